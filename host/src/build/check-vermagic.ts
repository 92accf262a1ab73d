import type { KernelModule } from '../image/kernel-module.js';
import type { Finding } from './finding.js';
import { isBuiltIn } from './kernel-config.js';
import type { KernelFacts } from './kernel-facts.js';

/** same_magic() of kernel/module/version.c: with symbol versions the release does not count. */
export function checkVermagic(module: KernelModule, facts: KernelFacts): Finding {
  const about = { check: 'vermagic' } as const;
  const mine = module.vermagic;
  if (mine === undefined) {
    const forced = isBuiltIn(facts.config, 'CONFIG_MODULE_FORCE_LOAD');
    return forced
      ? { ...about, outcome: 'note', detail: 'none; this kernel loads the module by force and is tainted' }
      : { ...about, outcome: 'fails', detail: 'none' };
  }
  const wanted = facts.form?.vermagic ?? deriveVermagic(facts);
  if (wanted === undefined) {
    return { ...about, outcome: 'unknown', subject: mine, detail: 'what this kernel wants is not known' };
  }
  const lenient = isBuiltIn(facts.config, 'CONFIG_MODVERSIONS') && module.sections.includes('__versions');
  if (partOf(mine, lenient).trimEnd() !== partOf(wanted, lenient).trimEnd()) {
    return { ...about, outcome: 'fails', subject: mine, detail: `this kernel wants ${wanted.trimEnd()}` };
  }
  const other = mine.split(' ')[0] === facts.release ? '' : `; the release ${facts.release} does not count`;
  return { ...about, outcome: 'ok', subject: mine, detail: `as this kernel wants it${other}` };
}

/** What same_magic() compares. */
function partOf(vermagic: string, lenient: boolean): string {
  return lenient && vermagic.includes(' ') ? vermagic.slice(vermagic.indexOf(' ')) : vermagic;
}

/** MODULE_ARCH_VERMAGIC of arch/…/include/asm/vermagic.h. */
const architectures: Readonly<Record<string, string>> = { x86_64: '', aarch64: 'aarch64', riscv64: 'riscv' };

/** VERMAGIC_STRING of include/linux/vermagic.h; undefined where the configuration alone does not say. */
export function deriveVermagic({ release, machine, config }: KernelFacts): string | undefined {
  const architecture = architectures[machine];
  const random = isBuiltIn(config, 'CONFIG_RANDSTRUCT') || isBuiltIn(config, 'CONFIG_GCC_PLUGIN_RANDSTRUCT');
  if (architecture === undefined || random) return undefined;
  const words: readonly (readonly [string, string])[] = [
    ['CONFIG_SMP', 'SMP'],
    ['CONFIG_PREEMPT_RT', 'preempt_rt'],
    ['CONFIG_PREEMPT_BUILD', 'preempt'],
    ['CONFIG_MODULE_UNLOAD', 'mod_unload'],
    ['CONFIG_MODVERSIONS', 'modversions'],
  ];
  const isSet = (name: string): boolean =>
    isBuiltIn(config, name) && !(name === 'CONFIG_PREEMPT_BUILD' && isBuiltIn(config, 'CONFIG_PREEMPT_RT'));
  // Kernels before PREEMPT_BUILD have CONFIG_PREEMPT alone.
  const old = isBuiltIn(config, 'CONFIG_PREEMPT') && !isBuiltIn(config, 'CONFIG_PREEMPT_BUILD');
  const chosen = words.filter(([name]) => isSet(name) || (old && name === 'CONFIG_PREEMPT_BUILD'));
  return [release, ...chosen.map(([, word]) => word), architecture].filter((word) => word !== '').join(' ');
}
