import { type Elf, corruptImage, parseElf, readElfSection } from './elf.js';
import { readElfSymbols } from './elf-symbols.js';
import type { KernelModule } from './kernel-module.js';
import { createExportMarks, exportsFrom, markExport } from './module-exports.js';
import { readModuleVersions } from './module-versions.js';

/** Bytes of `.modinfo` that are read; real ones have a few kilobytes, most of it aliases. */
const maxModinfoBytes = 1024 * 1024;

/** A vendor's largest module asks for some 3,000. */
const maxImports = 200_000;

/** Ends a signed module (include/linux/module_signature.h). */
const signatureMagic = '~Module signature appended~\n';

/**
 * Reads a kernel module (.ko) of 32 or 64 bits, plain; unwrap() takes off a compression. Nothing in it is believed: sizes and
 * counts are bounded, and a table that is not whole is an error rather than half an answer.
 *
 * @throws KhError `archive-corrupt` with reason `not-module` for a file that is no relocatable ELF, `module-versions`,
 *   `module-exports`, `module-imports`, `elf-symbols`, or one of parseElf()'s.
 */
export function readModule(bytes: Uint8Array): KernelModule {
  const elf = parseElf(bytes);
  if (!elf.relocatable) throw corruptImage('not-module', 'The file is not a kernel module');
  const modinfo = readModinfoValues(elf);
  const { imports, exports, source } = readSymbols(elf);
  return {
    name: modinfo.get('name')?.[0] ?? source,
    vermagic: modinfo.get('vermagic')?.[0],
    modinfo,
    machine: elf.machine,
    is64: elf.is64,
    imports,
    versions: readModuleVersions(elf),
    exports,
    structModuleSize: elf.sections.find(({ name }) => name === '.gnu.linkonce.this_module')?.size,
    signed: isSigned(bytes),
    sections: elf.sections.map(({ name }) => name).filter((name) => name !== ''),
  };
}

function readModinfoValues(elf: Elf): ReadonlyMap<string, readonly string[]> {
  const section = elf.sections.find(({ name }) => name === '.modinfo');
  const facts = new Map<string, string[]>();
  if (!section) return facts;
  const text = new TextDecoder().decode(readElfSection(elf, section).subarray(0, maxModinfoBytes));
  for (const field of text.split('\0')) {
    const equals = field.indexOf('=');
    if (equals <= 0) continue;
    const key = field.slice(0, equals);
    const values = facts.get(key) ?? [];
    values.push(field.slice(equals + 1));
    facts.set(key, values);
  }
  return facts;
}

function readSymbols(elf: Elf): Pick<KernelModule, 'imports' | 'exports'> & { readonly source: string | undefined } {
  const imports: KernelModule['imports'][number][] = [];
  const marks = createExportMarks();
  let source: string | undefined;
  for (const symbol of readElfSymbols(elf)) {
    // What modpost adds is compiled from NAME.mod.c; kernels before 4.12 say the name nowhere else.
    if (symbol.file && symbol.name.endsWith('.mod.c')) source ??= symbol.name.slice(0, -'.mod.c'.length);
    // The kernel does not resolve this one either (ignore_undef_symbol(), kernel/module/main.c).
    if (symbol.section === 'undefined' && symbol.name !== '_GLOBAL_OFFSET_TABLE_') {
      if (imports.length >= maxImports) throw corruptImage('module-imports', 'The kernel module asks for too much');
      imports.push({ name: symbol.name, weak: symbol.weak });
    }
    markExport(marks, symbol);
  }
  return { imports, exports: exportsFrom(elf, marks), source };
}

function isSigned(bytes: Uint8Array): boolean {
  const end = bytes.subarray(Math.max(0, bytes.length - signatureMagic.length));
  return end.length === signatureMagic.length && String.fromCharCode(...end) === signatureMagic;
}
