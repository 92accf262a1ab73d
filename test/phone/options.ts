/** What a phone can be, and the one place where what was left out gets its default. */
export const ARCHES = ['x86_64', 'arm64'] as const;
export const LAYOUTS = ['sys', 'proc', 'legacy', 'builtin', 'none'] as const;
export const PAGE_SIZES = ['4k', '16k'] as const;
export const SU_MODES = ['magisk', 'aosp', 'none', 'deny', 'hang'] as const;

export type Arch = (typeof ARCHES)[number];
export type Layout = (typeof LAYOUTS)[number];
export type Pages = (typeof PAGE_SIZES)[number];
export type SuMode = (typeof SU_MODES)[number];

/** What decides which kernel a phone has and where its archive is: all that is built, nothing that is set at boot. */
export interface Kind {
  arch: Arch;
  layout: Layout;
  pages: Pages;
}

export interface PhoneOptions extends Partial<Kind> {
  name?: string;
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
    pages: options.pages ?? '4k',
    su: options.su ?? 'magisk',
    userBuild: options.userBuild ?? false,
    unauthorized: options.unauthorized ?? false,
    sigEnforce: options.sigEnforce ?? false,
    memoryMiB: options.memoryMiB ?? 256,
    kernelArgs: options.kernelArgs ?? [],
  };
}

/** Why there is no such phone, in words; undefined if there is. */
export function kindProblem({ arch, pages }: Kind): string | undefined {
  return pages === '4k' || arch === 'arm64' ? undefined : `pages of ${pages} are for arm64 only`;
}

export function isOneOf<T extends string>(values: readonly T[], text: string): text is T {
  return (values as readonly string[]).includes(text);
}
