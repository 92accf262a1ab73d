import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { listScript, parseListing, removeScript } from '../../../../host/src/device/agent-control-script.js';
import { listText } from '../../../fault/support/phone-script.js';
import { temporaryDirectory } from '../../../support/temp.js';

const shells = ['sh', 'bash', 'dash', 'mksh'].filter((name) => spawnSync(name, ['-c', ':']).status === 0);
const skip = process.platform !== 'linux' && 'the scripts need Linux tools';

test('parseListing takes our files only, whatever else is said', () => {
  const good = ['/data/local/tmp/kheaders-agent-x86_64-0123', '/tmp/kheaders-agent-new-4567'];
  assert.deepEqual(parseListing(`su: hello\n${listText(good, true)}bye\n`), { files: good, running: true });
  assert.deepEqual(parseListing(listText(good, false).replaceAll('\n', '\r\n')), { files: good, running: false });
  assert.deepEqual(parseListing(listText([], undefined)), { files: [], running: undefined });
  const bad = [
    '/etc/passwd',
    '/tmp/../etc/kheaders-agent-x',
    '/tmp/kheaders-agent-a b',
    '/tmp/kheaders-agent-\x1b',
    '/tmp/kheaders-agent-',
  ];
  assert.deepEqual(parseListing(listText(bad, true))?.files, []);
  for (const text of ['', 'kheaders-list 1\nfile=x\n', 'kheaders-list end\nkheaders-list 1\n', 'sh: no\n'])
    assert.equal(parseListing(text), undefined);
});

/** /proc/net/unix of a virtual phone. */
const sockets = `Num       RefCount Protocol Flags    Type St Inode Path
00000000b0063c5a: 00000002 00000000 00010000 0005 01 10209 /dev/socket/su
00000000bba8347d: 00000002 00000000 00010000 0001 01 11661 @other-kheaders-lease
00000000bba8347e: 00000002 00000000 00010000 0001 01 11660 @kheaders-lease-of-another
0000000051b008f8: 00000003 00000000 00000000 0005 03 11471
`;
const daemon = '00000000bba8347c: 00000002 00000000 00010000 0001 01 11662 @kheaders-lease\n';

for (const shell of shells) {
  test(`listScript and removeScript in ${shell}: our files, and the daemon by its socket`, { skip }, async (t) => {
    const folder = await temporaryDirectory(t);
    // The folders and the list of sockets of a phone, moved into ours.
    const places: Readonly<Record<string, string>> = {
      '/proc/net/unix': 'unix',
      '/data/local/tmp/': 'a/',
      '/tmp/': 'b/',
    };
    const here = (script: string): string =>
      script.replaceAll(/\/proc\/net\/unix|\/data\/local\/tmp\/|\/tmp\//g, (place) => `${folder}/${places[place]!}`);
    const run = (script: string): string => spawnSync(shell, ['-c', here(script)], { encoding: 'utf8' }).stdout;
    const list = () => {
      const text = run(listScript).replaceAll(`${folder}/a/`, '/data/local/tmp/').replaceAll(`${folder}/b/`, '/tmp/');
      return parseListing(text);
    };
    for (const name of ['a', 'b']) await mkdir(join(folder, name));
    assert.deepEqual(list(), { files: [], running: undefined });
    await writeFile(join(folder, 'unix'), sockets);
    assert.deepEqual(list(), { files: [], running: false });
    for (const name of ['a/kheaders-agent-x-1', 'a/other', 'b/kheaders-agent-new-2'])
      await writeFile(join(folder, name), '');
    await writeFile(join(folder, 'unix'), `${sockets}${daemon}`);
    const files = ['/data/local/tmp/kheaders-agent-x-1', '/tmp/kheaders-agent-new-2'];
    assert.deepEqual(list(), { files, running: true });
    run(removeScript);
    assert.deepEqual(list(), { files: [], running: true });
    assert.deepEqual(await readdir(join(folder, 'a')), ['other']);
  });
}
