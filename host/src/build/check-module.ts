import { parseKernelVersion } from '@kheaders/shared';
import type { KernelModule } from '../image/kernel-module.js';
import type { ModuleTraits } from '../image/module-traits.js';
import { checkImports } from './check-imports.js';
import { ExportIndex } from './export-index.js';
import { type Finding, type Verdict, checkNames, verdictOf } from './finding.js';
import { isBuiltIn } from './kernel-config.js';
import type { KernelFacts } from './kernel-facts.js';
import { checkVermagic } from './check-vermagic.js';

export interface Judgement {
  readonly verdict: Verdict;
  /** In the order of checkNames. */
  readonly findings: readonly Finding[];
}

/** Would this kernel load the module? Nothing is tried; what the kernel would look at is looked at. */
export function checkModule(module: KernelModule, traits: ModuleTraits, facts: KernelFacts): Judgement {
  const findings = [
    checkArchitecture(module, facts),
    checkVermagic(module, facts),
    checkStructModule(module, facts),
    ...checkImports(module, facts, new ExportIndex(facts.tables)),
    checkSignature(module, facts),
    ...checkCfi(module, traits, facts),
    ...checkShadowCallStack(traits, facts),
    ...checkUnload(traits),
  ];
  return judgementOf(findings);
}

/** A file that is no module at all. */
export function judgeBroken(reason: string, message: string): Judgement {
  return judgementOf([{ check: 'file', outcome: 'fails', subject: reason, detail: message }]);
}

function judgementOf(findings: readonly Finding[]): Judgement {
  const place = ({ check }: Finding): number => checkNames.indexOf(check);
  const sorted = [...findings].sort((a, b) => place(a) - place(b));
  return { verdict: verdictOf(sorted), findings: sorted };
}

/** e_machine by what `uname -m` says (include/uapi/linux/elf-em.h). */
const machines: Readonly<Record<string, readonly [machine: number, is64: boolean]>> = {
  x86_64: [62, true],
  aarch64: [183, true],
  i686: [3, false],
  i386: [3, false],
  armv8l: [183, true],
  armv7l: [40, false],
  riscv64: [243, true],
};

function checkArchitecture({ machine, is64 }: KernelModule, facts: KernelFacts): Finding {
  const wanted = machines[facts.machine];
  const about = { check: 'architecture', subject: facts.machine } as const;
  if (wanted === undefined) return { ...about, outcome: 'unknown', detail: 'which ELF machine that is, is not known' };
  const fits = wanted[0] === machine && wanted[1] === is64;
  if (fits) return { ...about, outcome: 'ok', detail: `ELF machine ${machine}` };
  const detail = `the module is for ELF machine ${machine} (${is64 ? 64 : 32} bits), not ${wanted[0]}`;
  return { ...about, outcome: 'fails', detail };
}

/** Since Linux 6.4 the kernel compares it (elf_validity_check()); before it takes what is there for its own. */
function checkStructModule({ structModuleSize: mine }: KernelModule, { form, release }: KernelFacts): Finding {
  const about = { check: 'struct-module' } as const;
  if (mine === undefined) return { ...about, outcome: 'fails', detail: 'no section .gnu.linkonce.this_module' };
  const wanted = form?.structModuleSize;
  // The CRC of module_layout covers the same where there is one.
  if (wanted === undefined)
    return { ...about, outcome: 'note', detail: `${mine} bytes; no module of this kernel to compare with` };
  if (mine === wanted) return { ...about, outcome: 'ok', detail: `${mine} bytes` };
  const [major, minor] = parseKernelVersion(release) ?? [0, 0];
  const compared = major > 6 || (major === 6 && minor >= 4);
  const detail = `${mine} bytes, in this kernel ${wanted}`;
  return compared
    ? { ...about, outcome: 'fails', detail }
    : { ...about, outcome: 'unknown', detail: `${detail}; a kernel before 6.4 does not look, and uses wrong memory` };
}

/** kernel/module/signing.c, module_sig_check(). */
function checkSignature({ signed }: KernelModule, { config, signaturesEnforced }: KernelFacts): Finding {
  const about = { check: 'signature' } as const;
  if (!isBuiltIn(config, 'CONFIG_MODULE_SIG')) return { ...about, outcome: 'ok', detail: 'this kernel looks at none' };
  const enforced = isBuiltIn(config, 'CONFIG_MODULE_SIG_FORCE') || signaturesEnforced === true;
  if (enforced && signed)
    return { ...about, outcome: 'unknown', detail: 'signed; only the kernel knows which keys it trusts' };
  if (enforced) return { ...about, outcome: 'fails', detail: 'unsigned, and this kernel takes signed modules only' };
  if (isBuiltIn(config, 'CONFIG_MODULE_SIG_PROTECT') && !signed) {
    const detail = 'unsigned: a GKI lets it use unprotected symbols only, and which those are is not known';
    return { ...about, outcome: 'unknown', detail };
  }
  if (signed)
    return {
      ...about,
      outcome: 'note',
      detail: 'signed; the kernel refuses it if it knows the key and the file was changed',
    };
  return { ...about, outcome: 'note', detail: 'unsigned: the kernel is tainted' };
}

/** A kernel with CFI stops at its first call into code that has no type hashes (kernel/cfi.c): the module's init. */
function checkCfi(
  { machine }: KernelModule,
  { cfi }: ModuleTraits,
  { config, release }: KernelFacts,
): readonly Finding[] {
  if (!isBuiltIn(config, 'CONFIG_CFI_CLANG') && !isBuiltIn(config, 'CONFIG_CFI')) return [];
  const [major, minor] = parseKernelVersion(release) ?? [0, 0];
  const wanted = major > 6 || (major === 6 && minor >= 1) ? 'kcfi' : 'jump-tables';
  const about = { check: 'cfi' } as const;
  if (cfi === wanted) return [{ ...about, outcome: 'ok', detail: `built with CFI (${cfi})` }];
  // On x86 every function has a symbol with its hash; on arm64 a module may show no sign of it.
  const sure = cfi !== undefined || wanted === 'jump-tables' || machine === 62;
  const text = `the kernel has CFI (${wanted}); the file shows ${cfi ?? 'no sign of it'}`;
  if (isBuiltIn(config, 'CONFIG_CFI_PERMISSIVE'))
    return [{ ...about, outcome: 'note', detail: `${text}; it only warns` }];
  return [{ ...about, outcome: sure ? 'fails' : 'unknown', detail: text }];
}

/** With it x18 belongs to the kernel: code that was compiled without the flag may use it for itself. */
function checkShadowCallStack({ pushesShadowStack }: ModuleTraits, { config }: KernelFacts): readonly Finding[] {
  if (!isBuiltIn(config, 'CONFIG_SHADOW_CALL_STACK') || pushesShadowStack === undefined) return [];
  const about = { check: 'shadow-call-stack' } as const;
  if (isBuiltIn(config, 'CONFIG_DYNAMIC_SCS'))
    return [{ ...about, outcome: 'ok', detail: 'patched in as it is loaded' }];
  if (pushesShadowStack) return [{ ...about, outcome: 'ok', detail: 'built with it' }];
  return [
    { ...about, outcome: 'unknown', detail: 'the kernel has it; no function of the module shows that it was built so' },
  ];
}

function checkUnload({ permanent }: ModuleTraits): readonly Finding[] {
  if (!permanent) return [];
  return [{ check: 'unload', outcome: 'note', detail: 'no exit function: once loaded it stays' }];
}
