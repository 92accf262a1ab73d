import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EntryFacts } from '../../../../host/src/build/entry-facts.js';
import { explainFailure, explainMissing } from '../../../../host/src/build/explain-failure.js';
import { parseDotConfig } from '../../../../host/src/build/kernel-config.js';

const config = parseDotConfig('CONFIG_CC_VERSION_TEXT="clang version 14.0.7"\n');
const facts = { config } as unknown as EntryFacts;
const symbols = {
  lines: [{ symbol: { name: 'printk', crc: 1 }, exporter: 'vmlinux' }],
  withoutCrc: ['kfree'],
  sources: [],
};

for (const [cause, names, said] of [
  ['header', ['sched.h'], 'x.c:1:10: fatal error: sched.h: No such file or directory\n'],
  ['header', ['kernel/sched/sched.h'], "x.c:1:10: fatal error: 'kernel/sched/sched.h' file not found\n"],
  ['compiler', ['-fsanitize=kcfi'], "gcc: error: unrecognized command-line option '-fsanitize=kcfi'\n"],
  ['compiler', ['-fconserve-stack'], "clang: error: unknown argument: '-fconserve-stack'\n"],
  ['tool', ['tools/objtool/objtool'], '/bin/sh: 1: ./tools/objtool/objtool: not found\n'],
  ['tool', ['scripts/genksyms/genksyms'], 'bash: line 1: scripts/genksyms/genksyms: No such file or directory\n'],
  [
    'symbols',
    ['kfree', 'kmalloc'],
    'ERROR: modpost: "kmalloc" [/m/x.ko] undefined!\nERROR: modpost: "kfree" [/m/x.ko] undefined!\n',
  ],
] as const) {
  test(`explainFailure knows ${JSON.stringify(said.slice(0, 50))}`, () => {
    const found = explainFailure(said, facts, symbols);
    assert.deepEqual([found?.cause, found?.names], [cause, names]);
  });
}

test('explainFailure says nothing of a mistake in the module', () => {
  assert.equal(explainFailure('x.c:3:1: error: expected ‘;’ before ‘}’ token\n', facts, symbols), undefined);
});

test('explainMissing tells what is exported without a known CRC from what nobody knows', () => {
  assert.match(explainMissing(['kfree'], symbols).reason, /exports these symbols, but their CRCs are not known/);
  assert.match(explainMissing(['kfree', 'nobody'], symbols).reason, /Nothing known says/);
});
