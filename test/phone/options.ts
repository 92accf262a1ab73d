/** What a phone can be, and the one place where what was left out gets its default. */
export const ARCHES = ['x86_64', 'arm64'] as const;
export const LAYOUTS = ['sys', 'proc', 'legacy', 'builtin', 'none'] as const;
export const SU_MODES = ['magisk', 'aosp', 'none', 'deny', 'hang'] as const;

export type Arch = (typeof ARCHES)[number];
export type Layout = (typeof LAYOUTS)[number];
export type SuMode = (typeof SU_MODES)[number];

export interface PhoneOptions {
  name?: string;
  arch?: Arch;
  layout?: Layout;
  su?: SuMode;
  userBuild?: boolean;
  unauthorized?: boolean;
  sigEnforce?: boolean;
  memoryMiB?: number;
  kernelArgs?: string[];
}

export type PhoneSpec = Required<PhoneOptions>;

let unnamed = 0;

export function completeOptions(options: PhoneOptions): PhoneSpec {
  return {
    name: options.name ?? `phone-${process.pid}-${++unnamed}`,
    arch: options.arch ?? 'x86_64',
    layout: options.layout ?? 'sys',
    su: options.su ?? 'magisk',
    userBuild: options.userBuild ?? false,
    unauthorized: options.unauthorized ?? false,
    sigEnforce: options.sigEnforce ?? false,
    memoryMiB: options.memoryMiB ?? 256,
    kernelArgs: options.kernelArgs ?? [],
  };
}

export function isOneOf<T extends string>(values: readonly T[], text: string): text is T {
  return (values as readonly string[]).includes(text);
}
