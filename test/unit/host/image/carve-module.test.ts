import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { carveModule } from '../../../../host/src/image/carve-module.js';
import { readModinfo } from '../../../../host/src/image/modinfo.js';
import { KhError } from '../../../../host/src/core/error.js';
import { compressXz, makeRandom, makeTar, smallTree } from '../../../support/archives.js';

const skip = spawnSync('gcc', ['--version']).error !== undefined && 'this machine has no gcc';
const directory = mkdtempSync(join(tmpdir(), 'kheaders-elf-'));
after(() => rmSync(directory, { recursive: true }));

const archive = compressXz(makeTar(smallTree));

/** What kernel/kheaders.c does, in assembly, with some data in front. */
const kheaders = `
  .pushsection .rodata, "a"
  .ascii "something else"
  .global kernel_headers_data
kernel_headers_data:
  .incbin "archive.tar.xz"
  .global kernel_headers_data_end
kernel_headers_data_end:
  .asciz "behind"
  .popsection
  .pushsection .modinfo, "a"
  .asciz "vermagic=6.1.25-android14-11 SMP preempt mod_unload modversions aarch64"
  .asciz "name=kheaders"
  .asciz "name=second"
  .popsection
`;

function build(name: string, assembly: string, ...options: string[]): Buffer {
  writeFileSync(join(directory, 'archive.tar.xz'), archive);
  writeFileSync(join(directory, `${name}.S`), assembly);
  execFileSync('gcc', [...options, '-o', name, `${name}.S`], { cwd: directory });
  return readFileSync(join(directory, name));
}

const fails = (reason: string) => (error: unknown) =>
  error instanceof KhError && error.code === 'archive-corrupt' && error.details.reason === reason;

for (const bits of ['-m64', '-m32']) {
  test(`carveModule finds the archive in a relocatable file (${bits})`, { skip }, () => {
    const module = build(`module${bits}`, kheaders, '-c', bits);
    assert.ok(archive.equals(carveModule(module)));
    const signed = Buffer.concat([module, Buffer.from('signature~Module signature appended~\n')]);
    assert.ok(archive.equals(carveModule(signed)));
    assert.equal(readModinfo(module).get('name'), 'kheaders');
    assert.match(readModinfo(module).get('vermagic') ?? '', /^6\.1\.25-android14-11 SMP /);
  });
}

for (const [where, option] of [
  ['low', '-Wl,--entry=kernel_headers_data'],
  ['those of a kernel', '-Wl,--entry=kernel_headers_data,-Ttext-segment=0xffffffff81000000'],
] as const) {
  test(`carveModule finds the archive in a linked file, where symbols are addresses: ${where}`, { skip }, () => {
    const linked = build('linked', kheaders, '-nostdlib', '-static', '-no-pie', option);
    assert.ok(archive.equals(carveModule(linked)));
  });
}

test('carveModule refuses a module without the symbols', { skip }, () => {
  assert.throws(() => carveModule(build('plain', '.text\nnop\n', '-c')), fails('no-archive'));
});

for (const [name, assembly, reason] of [
  [
    'backwards',
    kheaders.replaceAll('_data_end', '_tmp').replaceAll('_data', '_data_end').replaceAll('_tmp', '_data'),
    'archive-bounds',
  ],
  ['empty', kheaders.replace('.incbin "archive.tar.xz"', ''), 'archive-bounds'],
  ['not-xz', kheaders.replace('.incbin "archive.tar.xz"', '.ascii "no archive at all"'), 'not-xz'],
  [
    'two-sections',
    kheaders.replace(
      '.global kernel_headers_data_end',
      '.section .data\n.incbin "archive.tar.xz"\n.global kernel_headers_data_end',
    ),
    'archive-bounds',
  ],
  [
    'beyond',
    kheaders.replace('kernel_headers_data_end:', '.set kernel_headers_data_end, kernel_headers_data + 0x100000'),
    'archive-bounds',
  ],
  [
    'no-bits',
    '.bss\n.global kernel_headers_data, kernel_headers_data_end\nkernel_headers_data: .skip 9\nkernel_headers_data_end:\n',
    'elf-sections',
  ],
] as const) {
  test(`carveModule refuses symbols that are ${name}: ${reason}`, { skip }, () => {
    assert.throws(() => carveModule(build(name, assembly, '-c')), fails(reason));
  });
}

test('carveModule refuses a module cut anywhere', { skip }, () => {
  const module = build('module', kheaders, '-c');
  for (let keep = 0; keep < module.length; keep += 1 + (keep >> 4)) {
    assert.throws(() => carveModule(module.subarray(0, keep)), { code: 'archive-corrupt' }, `${keep} bytes`);
  }
});

test('carveModule and readModinfo fail with a code or give bytes for 2,000 damaged modules', { skip }, () => {
  const module = build('module', kheaders, '-c');
  const sections = Number(module.readBigUint64LE(40));
  const random = makeRandom(7);
  let refused = 0;
  for (let round = 0; round < 2000; round++) {
    const damaged = Buffer.from(module);
    for (let change = 0; change <= random(4); change++) {
      const at = round % 2 ? random(64) : sections + random(module.length - sections);
      damaged[at] = random(4) === 0 ? 255 : random(256);
    }
    for (const read of [carveModule, readModinfo]) {
      try {
        read(damaged);
      } catch (error) {
        assert.ok(error instanceof KhError && error.code === 'archive-corrupt', String(error));
        refused++;
      }
    }
  }
  assert.ok(refused > 100);
});
