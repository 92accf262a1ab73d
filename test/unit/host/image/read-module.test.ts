import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { KhError } from '../../../../host/src/core/error.js';
import { readModule } from '../../../../host/src/image/read-module.js';
import { makeRandom } from '../../../support/archives.js';

const skip = spawnSync('gcc', ['--version']).error !== undefined && 'this machine has no gcc';
const directory = mkdtempSync(join(tmpdir(), 'kheaders-module-'));
after(() => rmSync(directory, { recursive: true }));

/** What modpost and EXPORT_SYMBOL make, with the CRCs where kernels since 5.19 keep them. */
const parts = {
  info: `
    .section .modinfo, "a"
    .asciz "name=sample"
    .asciz "alias=one"
    .asciz "alias=two"
    .asciz "vermagic=6.1.25-android14-11 SMP preempt mod_unload modversions aarch64"
    .section .gnu.linkonce.this_module, "aw"
    .skip 832`,
  imports: `
    .text
    .weak optional
    .long _printk - .
    .long optional - .`,
  exports: `
    .section __ksymtab_strings, "aMS", %progbits, 1
    __kstrtab_plain: .asciz "plain"
    __kstrtabns_plain: .asciz ""
    __kstrtab_limited: .asciz "limited"
    __kstrtabns_limited: .asciz "SAMPLE_NS"
    .section __ksymtab, "a"
    __ksymtab_plain: .long 0, __kstrtab_plain - ., __kstrtabns_plain - .
    .section __ksymtab_gpl, "a"
    __ksymtab_limited: .long 0, __kstrtab_limited - ., __kstrtabns_limited - .
    .section __kcrctab, "a"
    __crc_plain: .long 0x89abcdef
    .section __kcrctab_gpl, "a"
    __crc_limited: .long 0x00000001`,
  versions: `
    .section __versions, "a"
    WORD 0xfedcba98
    .asciz "_printk"
    .balign 64`,
  extended: `
    .section __version_ext_crcs, "a"
    .long 0xfedcba98, 7
    .section __version_ext_names, "aS", %progbits
    .asciz "_printk"
    .asciz "a_name_that_is_longer_than_the_fifty_five_characters_of_the_table"`,
};

function build(name: string, assembly: string, bits: '-m64' | '-m32' = '-m64'): Buffer {
  writeFileSync(join(directory, `${name}.S`), assembly.replaceAll('WORD', bits === '-m64' ? '.quad' : '.long') + '\n');
  execFileSync('gcc', ['-c', bits, '-o', `${name}.ko`, `${name}.S`], { cwd: directory });
  return readFileSync(join(directory, `${name}.ko`));
}

const fails = (reason: string) => (error: unknown) =>
  error instanceof KhError && error.code === 'archive-corrupt' && error.details.reason === reason;

for (const bits of ['-m64', '-m32'] as const) {
  test(`readModule reads everything a module says of itself (${bits})`, { skip }, () => {
    const module = readModule(build(`whole${bits}`, Object.values(parts).join('\n'), bits));
    assert.equal(module.name, 'sample');
    assert.equal(module.vermagic, '6.1.25-android14-11 SMP preempt mod_unload modversions aarch64');
    assert.deepEqual(module.modinfo.get('alias'), ['one', 'two']);
    assert.equal(module.is64, bits === '-m64');
    assert.equal(module.machine, bits === '-m64' ? 62 : 3);
    assert.equal(module.structModuleSize, 832);
    assert.equal(module.signed, false);
    assert.ok(module.sections.includes('__ksymtab_gpl'));
    assert.deepEqual(
      [...module.imports].sort((a, b) => a.name.localeCompare(b.name)),
      [
        { name: '_printk', weak: false },
        { name: 'optional', weak: true },
      ],
    );
    assert.deepEqual(module.exports, [
      { name: 'plain', crc: 0x89abcdef, gpl: false },
      { name: 'limited', crc: 1, gpl: true, namespace: 'SAMPLE_NS' },
    ]);
    assert.deepEqual(
      [...(module.versions ?? [])],
      [
        ['_printk', 0xfedcba98],
        ['a_name_that_is_longer_than_the_fifty_five_characters_of_the_table', 7],
      ],
    );
  });
}

test('readModule takes CRCs of kernels before 5.19, which are absolute symbols', { skip }, () => {
  const old = parts.exports
    .replace('__crc_plain: .long 0x89abcdef', '.long __crc_plain')
    .concat('\n.set __crc_plain, 0x89abcdef\n');
  const { exports } = readModule(build('absolute', old));
  assert.deepEqual(exports[0], { name: 'plain', crc: 0x89abcdef, gpl: false });
});

test('readModule names no CRC and no namespace where there is none', { skip }, () => {
  const { exports, versions } = readModule(build('bare', '.section __ksymtab, "a"\n__ksymtab_only: .quad 0, 0'));
  assert.deepEqual(exports, [{ name: 'only', gpl: false }]);
  assert.equal(versions, undefined);
});

test('readModule takes the name from the source file where modinfo has none', { skip }, () => {
  assert.equal(readModule(build('unnamed', '.file "old.mod.c"\n.text\nnop')).name, 'old');
});

test('readModule sees a signature, and reads the module in front of it', { skip }, () => {
  const plain = build('signed', parts.info);
  const module = readModule(Buffer.concat([plain, Buffer.from('PKCS7~Module signature appended~\n')]));
  assert.equal(module.signed, true);
  assert.equal(module.name, 'sample');
});

for (const [name, assembly, reason] of [
  ['cut', `${parts.versions}\n.byte 1`, 'module-versions'],
  ['contradiction', parts.versions + parts.extended.replace('0xfedcba98', '3'), 'module-versions'],
  ['wide', parts.versions.replace('0xfedcba98', '0x100000000'), 'module-versions'],
  ['names', parts.extended.replace('.long 0xfedcba98, 7', '.long 1'), 'module-versions'],
  ['crcs', parts.extended.replace('.long 0xfedcba98, 7', '.long 1, 2, 3'), 'elf-symbols'],
  [
    'nowhere',
    parts.exports.replace('__crc_limited: .long 0x00000001', '.set __crc_limited, . + 100'),
    'module-exports',
  ],
  ['crc-cut', parts.exports.replace('__crc_limited: .long 0x00000001', '__crc_limited: .byte 1'), 'module-exports'],
] as const) {
  test(`readModule refuses tables that are not whole: ${name}`, { skip }, () => {
    assert.throws(() => readModule(build(name, assembly)), fails(reason));
  });
}

test('readModule refuses a program', { skip }, () => {
  writeFileSync(join(directory, 'main.c'), 'int main(void) { return 0; }\n');
  execFileSync('gcc', ['-o', 'main', 'main.c'], { cwd: directory });
  assert.throws(() => readModule(readFileSync(join(directory, 'main'))), fails('not-module'));
});

test(
  'readModule fails with a code or gives a module for 2,000 damaged ones, and for one cut anywhere',
  { skip },
  () => {
    const module = build('damaged', Object.values(parts).join('\n'));
    const random = makeRandom(3);
    let refused = 0;
    const attempt = (bytes: Uint8Array): void => {
      try {
        readModule(bytes);
      } catch (error) {
        assert.ok(error instanceof KhError && error.code === 'archive-corrupt', String(error));
        refused++;
      }
    };
    for (let round = 0; round < 2000; round++) {
      const damaged = Buffer.from(module);
      for (let change = 0; change <= random(4); change++) {
        damaged[random(damaged.length)] = random(4) === 0 ? 255 : random(256);
      }
      attempt(damaged);
    }
    assert.ok(refused > 100, String(refused));
    for (let keep = 0; keep < module.length; keep += 1) attempt(module.subarray(0, keep));
  },
);
