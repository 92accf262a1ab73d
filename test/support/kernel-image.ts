import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type HeaderVersion, makeBootImage as makeParts } from '../phone/boot-image.js';

/** A symbol a made kernel exports. */
export interface MadeSymbol {
  readonly name: string;
  readonly crc: number;
  readonly gpl: boolean;
  readonly namespace?: string;
}

/** What is in a kernel that buildKernel() makes; whatever is absent is not in it. */
export interface KernelParts {
  readonly banner?: string;
  /** Embedded as kernel/kheaders.c does. */
  readonly archive?: Buffer;
  /** Embedded as kernel/configs.c does. */
  readonly config?: string;
  readonly symbols?: readonly MadeSymbol[];
  readonly crcs?: 'words' | 'longs' | 'relative' | 'none';
  /** How entries name their symbols: since 5.4, since 4.19, and before that. Default: distances. */
  readonly entries?: 'distances' | 'distances without namespaces' | 'pointers' | 'pointers without namespaces';
}

export interface MadeKernel {
  /** Linked at a kernel's addresses, with symbols. */
  readonly vmlinux: Buffer;
  /** What a bzImage holds: no symbols. */
  readonly stripped: Buffer;
  /** The raw Image, with the mark of arm64 in its header. */
  readonly image: Buffer;
}

/** Why kernels cannot be made here, or false. */
export const cannotBuild = spawnSync('gcc', ['--version']).error !== undefined && 'this machine has no gcc';

export const banner =
  'Linux version 6.1.25-android14-11 (build-user@build-host) (clang 14.0.7, LLD 14.0.7) #1 SMP PREEMPT Mon May 1 00:00:00 UTC 2023';

/** As many symbols as readers want to see, sorted in no way, with all that can be odd about them. */
export function makeSymbols(count = 400): readonly MadeSymbol[] {
  const odd: readonly MadeSymbol[] = [
    { name: 'module_layout', crc: 0x89abcdef, gpl: false },
    { name: '_printk', crc: 0, gpl: false },
    { name: 'Zebra', crc: 0xffffffff, gpl: true },
    { name: 'layout', crc: 5, gpl: true, namespace: 'SOME_NS' },
  ];
  const plain = Array.from({ length: count }, (_, index) => ({
    name: `symbol_${(index * 7919) % count}`,
    crc: Math.imul(index + 1, 0x9e3779b1) >>> 0,
    gpl: index % 3 === 0,
  }));
  return [...odd, ...plain];
}

const script = `SECTIONS {
  . = 0xffffffff81000000;
  .text : { *(.head) *(.text) }
  .rodata : { *(.rodata) }
  __ksymtab : { *(SORT(___ksymtab+*)) }
  __ksymtab_gpl : { *(SORT(___ksymtab_gpl+*)) }
  __kcrctab : { *(SORT(___kcrctab+*)) }
  __kcrctab_gpl : { *(SORT(___kcrctab_gpl+*)) }
  __ksymtab_strings : { *(__ksymtab_strings) }
  .data : { *(.data) }
}`;

/** Links a small vmlinux as the kernel's own linker script would, from assembly as its macros give. */
export function buildKernel(parts: KernelParts): MadeKernel {
  const folder = mkdtempSync(join(tmpdir(), 'kheaders-vmlinux-'));
  const run = (program: string, ...args: string[]): Buffer => execFileSync(program, args, { cwd: folder });
  try {
    if (parts.archive) writeFileSync(join(folder, 'archive.tar.xz'), parts.archive);
    if (parts.config !== undefined) writeFileSync(join(folder, 'config.gz'), gzipSync(parts.config));
    writeFileSync(join(folder, 'kernel.s'), assembly(parts));
    writeFileSync(join(folder, 'vmlinux.lds'), script);
    run('gcc', '-c', '-o', 'kernel.o', 'kernel.s');
    run('ld', '--no-warn-rwx-segments', '-T', 'vmlinux.lds', '-o', 'vmlinux', 'kernel.o');
    run('objcopy', '-O', 'binary', 'vmlinux', 'Image');
    run('objcopy', '-S', 'vmlinux', 'stripped');
    const [vmlinux, stripped, image] = ['vmlinux', 'stripped', 'Image'].map((name) => readFileSync(join(folder, name)));
    return { vmlinux: vmlinux!, stripped: stripped!, image: image! };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function assembly({
  banner: text,
  archive,
  config,
  symbols = [],
  crcs = 'words',
  entries = 'distances',
}: KernelParts): string {
  return [
    '.section .head, "ax"\n.skip 56\n.ascii "ARM\\x64"\n.skip 4036\n.text\nnop\n.data\n.skip 4096\n.section .rodata, "a"\n.skip 64',
    text === undefined ? '' : `.ascii "Linux version %s\\0"\n.asciz "${text}\\n"`,
    config === undefined ? '' : '.ascii "IKCFG_ST"\n.incbin "config.gz"\n.ascii "IKCFG_ED"',
    archive === undefined
      ? ''
      : '.global kernel_headers_data, kernel_headers_data_end\nkernel_headers_data: .incbin "archive.tar.xz"\nkernel_headers_data_end:',
    '.balign 8',
    ...symbols.map((symbol) => exportOf(symbol, crcs, entryForms[entries])),
    '',
  ].join('\n');
}

const entryForms = {
  distances: '.balign 4\n.long 0xffff, .Lname_NAME - ., .Lspace_NAME - .',
  'distances without namespaces': '.balign 8\n.long 0xffff, .Lname_NAME - .',
  pointers: '.balign 8\n.quad 0xffffffff81000040, .Lname_NAME, .Lspace_NAME',
  'pointers without namespaces': '.balign 8\n.quad 0xffffffff81000040, .Lname_NAME',
} as const;

/** EXPORT_SYMBOL of include/linux/export.h. */
function exportOf({ name, crc, gpl, namespace }: MadeSymbol, crcs: KernelParts['crcs'], entry: string): string {
  const kind = gpl ? '_gpl' : '';
  const table = `.section "___kcrctab${kind}+${name}", "a"`;
  return [
    '.section __ksymtab_strings, "aMS", %progbits, 1',
    `.Lname_${name}: .asciz "${name}"`,
    `.Lspace_${name}: .asciz "${namespace ?? ''}"`,
    `.section "___ksymtab${kind}+${name}", "a"`,
    entry.replaceAll('NAME', name),
    crcs === 'words' ? `${table}\n.long ${crc}` : '',
    crcs === 'longs' ? `${table}\n.quad ${crc}` : '',
    crcs === 'relative' ? `.section .rodata\n.Lcrc_${name}: .long ${crc}\n${table}\n.long .Lcrc_${name} - .` : '',
  ].join('\n');
}

/** A boot.img with a ramdisk behind the kernel. */
export function makeBootImage(header: HeaderVersion, kernel: Buffer, pageSize = 4096): Buffer {
  return makeParts({ header, kernel, pageSize, ramdisk: Buffer.from('a ramdisk') });
}

/** An x86 boot file: setup sectors, code that would unpack, the compressed kernel and its plain size. */
export function makeBzImage(payload: Buffer): Buffer {
  const setupSectors = 27;
  const loader = Buffer.alloc(700, 0x90);
  const head = Buffer.alloc((setupSectors + 1) * 512);
  head.writeUInt8(setupSectors, 0x1f1);
  head.write('HdrS', 0x202, 'latin1');
  head.writeUInt16LE(0x020f, 0x206);
  head.writeUInt32LE(loader.length, 0x248);
  head.writeUInt32LE(payload.length + 4, 0x24c);
  return Buffer.concat([head, loader, payload, Buffer.from([1, 2, 3, 4]), Buffer.alloc(100)]);
}
