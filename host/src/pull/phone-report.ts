/** What the manifest says of the phone, beside its identity. */
export interface PhoneFacts {
  readonly serial: string;
  readonly model?: string | undefined;
}

/** What was done to the phone, and whether it was undone. */
export interface PhoneReport {
  /** True if we loaded the module. */
  readonly loaded: boolean;
  /** `unknown`: the connection broke before the phone could report. */
  readonly unloaded: 'none' | 'ok' | 'gone' | 'failed' | 'unknown';
  /** The module list and root state are as before; false where that could not be made sure of. */
  readonly asFound: boolean;
}

export const untouched: PhoneReport = { loaded: false, unloaded: 'none', asFound: true };
