import { type Elf, parseElf, readElfSection } from './elf.js';
import { readElfSymbols } from './elf-symbols.js';

/** What the code of a module was compiled with, as far as the file shows it. */
export interface ModuleTraits {
  /** `kcfi`: type hashes before functions (Linux 6.1); `jump-tables`: `__cfi_check` (Android 5.x); undefined: no sign of either. */
  readonly cfi: 'kcfi' | 'jump-tables' | undefined;
  /** arm64: a function pushes its return address to the shadow stack; undefined: another architecture. */
  readonly pushesShadowStack: boolean | undefined;
  /** It has an init function but no exit function: no kernel would unload it (delete_module(2), EBUSY). */
  readonly permanent: boolean;
}

const EM_AARCH64 = 183;
/** `str x30, [x18], #8`, as clang -fsanitize=shadow-call-stack begins a function with. */
const pushInstruction = 0xf800865e;

/** Errors: as readElfSymbols(). */
export function readModuleTraits(bytes: Uint8Array): ModuleTraits {
  const elf = parseElf(bytes);
  const names = new Set<string>();
  let kcfi = elf.sections.some(({ name }) => name === '.kcfi_traps');
  for (const { name, section } of readElfSymbols(elf)) {
    if (section === 'undefined') continue;
    if (name.startsWith('__kcfi_typeid_') || (name.startsWith('__cfi_') && name !== '__cfi_check')) kcfi = true;
    if (name === '__cfi_check' || name === 'init_module' || name === 'cleanup_module') names.add(name);
  }
  return {
    cfi: names.has('__cfi_check') ? 'jump-tables' : kcfi ? 'kcfi' : undefined,
    pushesShadowStack: elf.machine === EM_AARCH64 ? hasInstruction(elf, pushInstruction) : undefined,
    permanent: names.has('init_module') && !names.has('cleanup_module'),
  };
}

function hasInstruction(elf: Elf, wanted: number): boolean {
  const code = elf.sections.filter(({ name }) => /^\.(init\.|exit\.)?text/.test(name));
  return code.some((section) => {
    const content = readElfSection(elf, section);
    const view = new DataView(content.buffer, content.byteOffset, content.length);
    for (let at = 0; at + 4 <= content.length; at += 4) if (view.getUint32(at, true) === wanted) return true;
    return false;
  });
}
