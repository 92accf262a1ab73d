/** What the manifest says of the phone, beside its identity. */
export interface PhoneFacts {
  readonly serial: string;
  readonly model?: string | undefined;
}

/** What was done to the phone, and whether it was undone. */
export interface PhoneReport {
  /** True if we loaded the module. */
  readonly loaded: boolean;
  /**
   * `kept`: another host uses it, and the helper on the phone unloads it after that one. `unknown`: the connection broke
   * before the phone could report.
   */
  readonly unloaded: 'none' | 'ok' | 'gone' | 'kept' | 'failed' | 'unknown';
  /** The module list and root state are as before; false where that could not be made sure of. */
  readonly asFound: boolean;
  /** The build of the helper that did the work; absent: the phone's own shell did. */
  readonly agent?: string | undefined;
}

export const untouched: PhoneReport = { loaded: false, unloaded: 'none', asFound: true };
