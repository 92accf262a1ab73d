import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseCommandFile, writeClangd, writeCompileCommands } from '../../../../host/src/build/compile-commands.js';

const command = `gcc -DKBUILD_MODNAME='"x"' -DA='$(pound)b' -c -o /m/x.o /m/x.c`;

test('parseCommandFile reads the files of Kbuild, with either name of the variable', () => {
  const plain = { directory: '/kdir', command: command.replace('$(pound)', '#'), file: '/m/x.c' };
  for (const name of ['cmd_', 'savedcmd_']) {
    const text = `${name}/m/x.o := ${command} ; ./tools/objtool/objtool --orc /m/x.o\n\nsource_/m/x.o := /m/x.c\n`;
    assert.deepEqual(parseCommandFile(text, '/kdir'), plain);
  }
  assert.equal(parseCommandFile('cmd_/m/x.ko := ld -r -o /m/x.ko /m/x.o\n', '/kdir'), undefined);
});

test('writeCompileCommands and writeClangd write into the folder, and leave a .clangd that is not ours', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'kheaders-commands-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, '.x.o.cmd'), `cmd_x.o := ${command}\n`);
  await writeFile(join(folder, '.x.mod.o.cmd'), `cmd_x.mod.o := gcc -c -o x.mod.o x.mod.c\n`);
  assert.equal(await writeCompileCommands(folder, '/kdir'), 1);
  const written = JSON.parse(await readFile(join(folder, 'compile_commands.json'), 'utf8')) as { file: string }[];
  assert.deepEqual(
    written.map(({ file }) => file),
    ['/m/x.c'],
  );
  assert.equal(await writeClangd(folder), true);
  assert.equal(await writeClangd(folder), true);
  await writeFile(join(folder, '.clangd'), 'mine');
  assert.equal(await writeClangd(folder), false);
  assert.equal(await readFile(join(folder, '.clangd'), 'utf8'), 'mine');
});
