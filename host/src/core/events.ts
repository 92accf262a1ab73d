/** The steps of a pull, in order, then those of other commands; each is reported when it begins. */
export type Step =
  | 'connect'
  | 'probe'
  | 'install'
  | 'root'
  | 'load'
  | 'read'
  | 'unload'
  | 'extract'
  | 'check'
  | 'publish'
  | 'tools'
  | 'build'
  | 'facts'
  | 'run';

/** What the library reports while it works. Values, not text: the CLI draws them, tests compare them. */
export type Event =
  | { readonly kind: 'step'; readonly step: Step; readonly serial?: string; readonly detail?: string }
  | {
      readonly kind: 'progress';
      readonly step: Step;
      readonly serial?: string;
      /** Bytes. */
      readonly done: number;
      /** Bytes, where known. */
      readonly total?: number;
    }
  | { readonly kind: 'warning'; readonly serial?: string; readonly warning: WarningCode; readonly message: string }
  /** What a program the user asked for said, unchanged. */
  | { readonly kind: 'output'; readonly serial?: string; readonly chunk: Uint8Array }
  /** A service opened at the adb server or a program run on the host: what --verbose shows. */
  | { readonly kind: 'trace'; readonly serial?: string; readonly what: 'adb' | 'run'; readonly text: string };

export type WarningCode =
  | 'module-left'
  | 'retry'
  | 'source'
  | 'identity-index'
  | 'cleanup'
  | 'skipped'
  | 'agent'
  | 'resume'
  | 'build'
  | 'facts';
