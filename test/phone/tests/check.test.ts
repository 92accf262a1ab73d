import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildFixtures } from '../assets.js';
import { PatchedModule } from './patched-module.js';
import { type Bench, phoneTest, useAdbServer } from './phone-test.js';

useAdbServer();

type Verdict = 'will' | 'will-not' | 'unknown';

interface Finding {
  readonly check: string;
  readonly outcome: string;
  readonly subject?: string;
}

interface Variant {
  readonly what: string;
  readonly make: (module: PatchedModule) => Uint8Array;
  readonly verdict: Verdict;
  /** The checks that decide; none: the module is good. */
  readonly by?: string;
  /** What the kernel says as it refuses it. */
  readonly says?: RegExp;
  /** Not loaded: whatever it does, it is not worth it. */
  readonly untried?: boolean;
}

const good = await readFile(join(await buildFixtures('x86_64'), 'kh_hello.ko'));
const exits: Readonly<Record<Verdict, number>> = { will: 0, 'will-not': 73, unknown: 74 };

const variants: readonly Variant[] = [
  { what: 'as it is', make: (m) => m.bytes, verdict: 'will' },
  {
    what: 'another release in its vermagic, which does not count with MODVERSIONS',
    make: (m) => m.replace('.modinfo', 'vermagic=6.1', 'vermagic=6.9').bytes,
    verdict: 'will',
  },
  {
    what: 'other options in its vermagic',
    make: (m) => m.replace('.modinfo', ' SMP ', ' UP  ').bytes,
    verdict: 'will-not',
    by: 'vermagic',
    says: /version magic '.* UP .*' should be '.* SMP /,
  },
  {
    what: 'no vermagic: CONFIG_MODULE_FORCE_LOAD takes it',
    make: (m) => m.replace('.modinfo', 'vermagic=', 'vermagix=').bytes,
    verdict: 'will',
  },
  {
    what: 'one CRC changed',
    make: (m) => m.changeCrc('seq_printf', (crc) => crc ^ 1).bytes,
    verdict: 'will-not',
    by: 'versions',
    says: /disagrees about version of symbol seq_printf/,
  },
  {
    what: 'the CRC of another struct module',
    make: (m) => m.changeCrc('module_layout', (crc) => crc + 1).bytes,
    verdict: 'will-not',
    by: 'versions',
    says: /disagrees about version of symbol module_layout/,
  },
  {
    what: 'no CRC for one import',
    make: (m) => m.replace('__versions', 'seq_printf', 'seq_prinzf').bytes,
    verdict: 'will-not',
    by: 'versions',
    says: /no symbol version for seq_printf/,
  },
  {
    what: 'no CRCs at all: CONFIG_MODULE_FORCE_LOAD takes it',
    make: (m) => m.replace('.shstrtab', '__versions', '__versionz').bytes,
    verdict: 'will',
  },
  {
    what: 'no CRCs at all and another release, which counts then',
    make: (m) =>
      m.replace('.shstrtab', '__versions', '__versionz').replace('.modinfo', 'vermagic=6.1', 'vermagic=6.9').bytes,
    verdict: 'will-not',
    by: 'vermagic',
    says: /version magic '6\.9/,
  },
  {
    what: 'an import nobody exports',
    make: (m) => m.replace('.strtab', 'seq_printf', 'seq_prinzf').bytes,
    verdict: 'will-not',
    by: 'imports',
    says: /Unknown symbol seq_prinzf/,
  },
  {
    what: 'an import that only a module exports which is not loaded',
    make: (m) => m.replace('.strtab', 'remove_proc_entry', 'tun_get_socket').bytes,
    verdict: 'will-not',
    // It has no CRC for it either.
    by: 'imports versions',
    says: /Unknown symbol tun_get_socket/,
  },
  {
    what: 'a licence that may not use GPL symbols',
    make: (m) => m.replace('.modinfo', 'license=GPL', 'license=BSD').bytes,
    verdict: 'will-not',
    by: 'licence',
    says: /Unknown symbol/,
  },
  {
    what: 'a namespace that it does not import',
    make: (m) => m.replace('.modinfo', 'import_ns=', 'import_nz=').bytes,
    verdict: 'will-not',
    by: 'namespaces',
    says: /module uses symbol \(dma_buf_get\) from namespace DMA_BUF/,
  },
  {
    what: 'another architecture',
    make: (m) => m.setMachine(183).bytes,
    verdict: 'will-not',
    by: 'architecture',
    says: /Invalid architecture|^$/,
  },
  {
    what: 'another size of struct module: this kernel does not look, and uses wrong memory',
    make: (m) => m.growSection('.gnu.linkonce.this_module', 64).bytes,
    verdict: 'unknown',
    by: 'struct-module',
    untried: true,
  },
  {
    what: 'cut off in the middle',
    make: (m) => m.bytes.subarray(0, m.bytes.length / 2),
    verdict: 'will-not',
    by: 'file',
    says: /Invalid ELF section header|^$/,
  },
  {
    what: 'no module at all',
    make: () => Buffer.from('#!/bin/sh\n'),
    verdict: 'will-not',
    by: 'file',
    says: /Invalid ELF|^$/,
  },
];

/** What `check --json` says, and its exit code fits. */
async function judge({ kheaders, phone }: Bench, path: string): Promise<{ verdict: Verdict; findings: Finding[] }> {
  const { code, stdout, stderr } = await kheaders('check', path, '-s', phone.serial, '--json');
  const [line = '{}'] = stdout.split('\n');
  const result = JSON.parse(line) as { verdict: Verdict; findings: Finding[] };
  assert.equal(code, exits[result.verdict], stdout + stderr);
  return result;
}

/** Tries it for good; undefined: it loads (and is unloaded), else what the kernel says. */
async function tryOnPhone({ phone, server }: Bench, path: string): Promise<string | undefined> {
  const there = '/data/local/tmp/variant.ko';
  await server.adb('-s', phone.serial, 'push', path, there);
  const script = `dmesg -c >/dev/null; insmod ${there} 2>/dev/null; code=$?; rm ${there}; dmesg; [ $code = 0 ] && rmmod kh_hello; exit $code`;
  const { code, stdout } = await phone.root(server, script);
  return code === 0 ? undefined : stdout;
}

const decisive: Readonly<Record<Verdict, string>> = { will: '', 'will-not': 'fails', unknown: 'unknown' };

phoneTest('check is right on every variant, and the kernel agrees', {}, async (bench) => {
  const rows: string[] = [];
  for (const { what, make, verdict, by, says, untried } of variants) {
    const path = join(bench.folder, 'kh_hello.ko');
    await writeFile(path, make(new PatchedModule(good)));
    const judged = await judge(bench, path);
    assert.equal(judged.verdict, verdict, `${what}: ${JSON.stringify(judged.findings)}`);
    const deciding = judged.findings.filter(({ outcome }) => outcome === decisive[verdict]).map(({ check }) => check);
    assert.equal([...new Set(deciding)].join(' '), by ?? '', what);
    const said = untried === true ? undefined : await tryOnPhone(bench, path);
    if (untried !== true)
      assert.equal(said === undefined, verdict === 'will', `${what}: the kernel says ${said ?? 'yes'}`);
    if (says !== undefined) assert.match(said ?? '', says, what);
    rows.push(`  ${verdict.padEnd(8)} ${what}`);
  }
  console.log(rows.join('\n'));
});

phoneTest('check: unsigned where signatures are enforced', { sigEnforce: true }, async (bench) => {
  const path = join(bench.folder, 'kh_hello.ko');
  await writeFile(path, good);
  const { verdict, findings } = await judge(bench, path);
  assert.equal(verdict, 'will-not');
  assert.deepEqual(
    findings.filter(({ outcome }) => outcome === 'fails').map(({ check }) => check),
    ['signature'],
  );
  assert.match((await tryOnPhone(bench, path)) ?? '', /unsigned module is rejected|^$/);
  // Without the phone nobody knows of it: its configuration does not enforce them.
  assert.equal((await bench.kheaders('check', path)).code, 0);
});

phoneTest('check from the cache alone cannot tell what nobody has read', {}, async (bench) => {
  const path = join(bench.folder, 'kh_hello.ko');
  await writeFile(path, good);
  assert.equal((await bench.kheaders('pull')).code, 0);
  const { code, stdout, stderr } = await bench.kheaders('check', path);
  assert.equal(code, 74, stderr);
  assert.match(stdout, /\? +versions +seq_printf: its CRC in this kernel is not known/);
  assert.match(stderr, /cannot be told .*\[module-unknown\]/);
});

phoneTest('check without root reads what it may, and says so', { su: 'none' }, async (bench) => {
  const path = join(bench.folder, 'kh_hello.ko');
  await writeFile(path, good);
  const { code, stderr } = await bench.kheaders('check', path, '-s', bench.phone.serial);
  assert.equal(code, 74, stderr);
  assert.match(stderr, /Without root only a part/);
});

phoneTest(
  'run asks check first: a module that will not load is not sent, but with --force it is',
  {},
  async (bench) => {
    const path = join(bench.folder, 'kh_hello.ko');
    await writeFile(path, new PatchedModule(good).changeCrc('seq_printf', (crc) => crc ^ 1).bytes);
    const refused = await bench.kheaders('run', path, '--for', '0');
    assert.equal(refused.code, 73, refused.stderr);
    assert.match(refused.stderr, /versions: seq_printf built against 0x/);
    const forced = await bench.kheaders('run', path, '--for', '0', '--force');
    assert.equal(forced.code, 23, forced.stderr);
    assert.match(forced.stderr, /kernel: kh_hello: disagrees about version of symbol seq_printf/);
  },
);
