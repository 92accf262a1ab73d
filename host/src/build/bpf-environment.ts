import type { BpfTarget } from './bpf-target.js';
import type { KernelVersion } from './kernel-version.js';

export type BpfTool = 'bcc' | 'bpftrace';

/** What the tools are to be told of. Paths are absolute. */
export interface BpfSubject {
  readonly headers: string;
  /** The folder for bpftrace: the headers, or what publishBpftraceView() makes of them. */
  readonly bpftraceHeaders: string;
  readonly target: BpfTarget;
  readonly version: KernelVersion;
}

export interface BpfEnvironment {
  /** In the order in which they are printed. */
  readonly variables: readonly (readonly [name: string, value: string])[];
  /** What the reader has to know, one sentence each. */
  readonly remarks: readonly string[];
}

/**
 * The variables by which BCC and bpftrace take this kernel's headers for the machine's own. Where both are asked for and
 * want different values of ARCH, it is left out: one of the two would take the wrong headers, silently.
 */
export function makeBpfEnvironment(subject: BpfSubject, tools: readonly BpfTool[]): BpfEnvironment {
  const { target } = subject;
  const variables = tools.flatMap((tool) => listVariables(tool, subject));
  const wanted = new Set(tools.map((tool) => target[tool]));
  const [arch] = wanted;
  if (arch !== undefined && wanted.size === 1) return { variables: [...variables, ['ARCH', arch]], remarks: [] };
  const remark =
    `ARCH is not set: BCC wants ${target.bcc}, bpftrace ${target.bpftrace}. ` +
    'Print the environment of one of them by --tool bcc or --tool bpftrace.';
  return { variables, remarks: [remark] };
}

function listVariables(tool: BpfTool, subject: BpfSubject): BpfEnvironment['variables'] {
  if (tool === 'bcc') {
    return [
      ['BCC_KERNEL_SOURCE', subject.headers],
      ['BCC_LINUX_VERSION_CODE', String(versionCodeOf(subject.version))],
    ];
  }
  return [
    ['BPFTRACE_KERNEL_SOURCE', subject.bpftraceHeaders],
    ['BPFTRACE_KERNEL_BUILD', subject.bpftraceHeaders],
  ];
}

/** KERNEL_VERSION() of linux/version.h: a sublevel above 255 counts as 255. */
export function versionCodeOf([x, y, z]: KernelVersion): number {
  return (x << 16) + (y << 8) + Math.min(z, 255);
}
