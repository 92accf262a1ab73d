import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  abiScript,
  formatInstallScript,
  parseAbis,
  parseInstallReport,
} from '../../../../host/src/device/agent-install-script.js';
import { temporaryDirectory } from '../../../support/temp.js';

const shells = ['sh', 'bash', 'dash', 'mksh'].filter((name) => spawnSync(name, ['-c', ':']).status === 0);
const skip = process.platform !== 'linux' && 'the scripts need Linux tools';

test('parseAbis: the list of the phone in its order, then what its machine can run, each once', () => {
  assert.deepEqual(parseAbis('arm64-v8a,armeabi-v7a,armeabi\narm64-v8a\naarch64\n'), [
    'arm64-v8a',
    'armeabi-v7a',
    'armeabi',
  ]);
  assert.deepEqual(parseAbis('x86_64\n'), ['x86_64']);
  assert.deepEqual(parseAbis('\n\nriscv64\n'), ['riscv64']);
  assert.deepEqual(parseAbis('\r\n\r\narmv8l\r\n'), ['armeabi-v7a']);
  assert.deepEqual(parseAbis('$(reboot) ../x\n'), []);
});

test('parseInstallReport: exit code and version, or what was said in their place', () => {
  assert.deepEqual(parseInstallReport('code=0\nversion=0123\n'), { code: 0, version: '0123' });
  assert.deepEqual(parseInstallReport('code=0\r\nversion=0123\r\n'), { code: 0, version: '0123' });
  assert.deepEqual(parseInstallReport('code=126\nversion=sh: x: denied\nmore\n'), {
    code: 126,
    version: 'sh: x: denied\nmore',
  });
  assert.deepEqual(parseInstallReport('mv: no space\n'), { version: 'mv: no space' });
  assert.deepEqual(parseInstallReport(''), { version: '' });
});

for (const shell of shells) {
  const run = (script: string): string => spawnSync(shell, ['-c', script], { encoding: 'utf8' }).stdout;

  test(`abiScript in ${shell} says at least what the machine is`, { skip }, () => {
    assert.ok(parseAbis(run(abiScript)).length > 0);
  });

  test(
    `formatInstallScript in ${shell}: puts the file in place, runs it, and takes old ones away`,
    { skip },
    async (t) => {
      const folder = await temporaryDirectory(t);
      const at = (name: string): string => join(folder, `kheaders-agent-${name}`);
      const pushed = at('new-1');
      await writeFile(pushed, '#!/bin/sh\necho 0123');
      for (const name of ['old', 'new-other', 'new-stale']) await writeFile(at(name), '');
      await writeFile(join(folder, 'kheaders-agent-a b'), 'not ours');
      await writeFile(join(folder, 'other'), '');
      await utimes(at('new-stale'), 0, 0);
      await copyFile('/bin/sleep', at('running'));
      const running = spawn(at('running'), ['60']);
      t.after(() => running.kill());
      await once(running, 'spawn');
      const report = parseInstallReport(run(formatInstallScript(pushed, at('x-1'), folder)));
      assert.deepEqual(report, { code: 0, version: '0123' });
      const left = [
        'kheaders-agent-a b',
        'kheaders-agent-new-other',
        'kheaders-agent-running',
        'kheaders-agent-x-1',
        'other',
      ];
      assert.deepEqual((await readdir(folder)).sort(), left);
    },
  );

  test(
    `formatInstallScript in ${shell}: a file that another host takes away meanwhile is no matter`,
    { skip },
    async (t) => {
      const folder = await temporaryDirectory(t);
      const at = (name: string): string => join(folder, `kheaders-agent-${name}`);
      await writeFile(at('new-1'), '#!/bin/sh\necho 0123');
      await writeFile(at('new-other'), '');
      const late = `find() { command rm -f "$1"; command find "$@"; }\n`;
      const report = parseInstallReport(run(late + formatInstallScript(at('new-1'), at('x-1'), folder)));
      assert.deepEqual(report, { code: 0, version: '0123' });
    },
  );

  test(
    `formatInstallScript in ${shell}: what does not run does not stay, and nothing else goes`,
    { skip },
    async (t) => {
      const folder = await temporaryDirectory(t);
      const at = (name: string): string => join(folder, `kheaders-agent-${name}`);
      await writeFile(at('new-1'), '\x7fELF but no more');
      await writeFile(at('old'), '');
      const { code, version: said } = parseInstallReport(run(formatInstallScript(at('new-1'), at('x-1'), folder)));
      assert.ok(code !== undefined && code !== 0);
      assert.match(said, /kheaders-agent-x-1/);
      assert.deepEqual(await readdir(folder), ['kheaders-agent-old']);
      const { code: none, version } = parseInstallReport(run(formatInstallScript(at('gone'), at('x-1'), folder)));
      assert.equal(none, undefined);
      assert.match(version, /gone/);
      assert.deepEqual(await readdir(folder), ['kheaders-agent-old']);
    },
  );
}
