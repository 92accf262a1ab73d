import { isBuiltIn } from './kernel-config.js';
import type { EntryFacts } from './entry-facts.js';

/** What the tools call the architecture of a kernel's headers. */
export interface BpfTarget {
  /** For clang's --target: its C has the kernel's layout of types, and takes the kernel's inline assembly. */
  readonly triple: string;
  /** `__TARGET_ARCH_…`, by which libbpf's bpf_tracing.h chooses registers. */
  readonly tracing: string;
  /** ARCH as BCC takes it: a name of its own list, from which it finds the folder and clang's target. */
  readonly bcc: string;
  /** ARCH as bpftrace takes it: the folder below arch/, unchanged. */
  readonly bpftrace: string;
  /** What the architecture's Makefile adds to the command line and headers cannot do without. */
  readonly defines: readonly string[];
}

type Named = Omit<BpfTarget, 'defines'>;

/**
 * BCC: run_arch_callback() in src/cc/frontends/clang/arch_helper.h knows `arm64` and `riscv64`, everything else is x86 to
 * it; old versions want `aarch64`. bpftrace: get_kernel_cflags() in src/utils.cpp.
 */
const targets: Readonly<Record<string, Named>> = {
  x86: { triple: 'x86_64-linux-gnu', tracing: 'x86', bcc: 'x86', bpftrace: 'x86' },
  arm64: { triple: 'aarch64-linux-gnu', tracing: 'arm64', bcc: 'arm64', bpftrace: 'arm64' },
  riscv: { triple: 'riscv64-linux-gnu', tracing: 'riscv', bcc: 'riscv64', bpftrace: 'riscv' },
};

/** Undefined for an architecture these tools do not trace: kernels of 32 bits, and those no phone has. */
export function findBpfTarget({ srcArch, config }: Pick<EntryFacts, 'srcArch' | 'config'>): BpfTarget | undefined {
  const target = isBuiltIn(config, 'CONFIG_64BIT') ? targets[srcArch] : undefined;
  return target === undefined ? undefined : { ...target, defines: listDefines(srcArch, config) };
}

/**
 * arch/arm64/Makefile: KASAN_SHADOW_SCALE_SHIFT has no CONFIG option, and <asm/memory.h> wants it in any case. Makefile:
 * CC_USING_FENTRY, without which <asm/ftrace.h> of x86 is an #error.
 */
function listDefines(srcArch: string, config: EntryFacts['config']): readonly string[] {
  if (srcArch === 'arm64') return [`KASAN_SHADOW_SCALE_SHIFT=${isBuiltIn(config, 'CONFIG_KASAN_SW_TAGS') ? 4 : 3}`];
  return srcArch === 'x86' && isBuiltIn(config, 'CONFIG_HAVE_FENTRY') ? ['CC_USING_FENTRY'] : [];
}
