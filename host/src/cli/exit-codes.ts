import type { ErrorCode } from '@kheaders/shared';
import { isKhError } from '../core/error.js';

/** One exit code for each error code; docs/exit-codes.md holds the same table and a test compares the two. */
export const exitCodes: Readonly<Record<ErrorCode, number>> = {
  usage: 2,
  'no-device': 3,
  'ambiguous-device': 4,
  'device-unauthorized': 5,
  'device-offline': 6,
  'device-lost': 7,
  'device-failed': 8,
  'adb-unreachable': 10,
  'adb-protocol': 11,
  'tool-missing': 12,
  'not-root': 20,
  'headers-not-supported': 21,
  'headers-unknown': 22,
  'module-refused': 23,
  'read-refused': 24,
  'read-hazard': 25,
  'agent-refused': 26,
  'archive-corrupt': 30,
  'archive-refused': 31,
  'release-mismatch': 32,
  'cache-corrupt': 33,
  'cache-unwritable': 40,
  'disk-full': 41,
  'not-cached': 42,
  timeout: 50,
  'several-failed': 60,
  'kbuild-missing': 70,
  'kbuild-mismatch': 71,
  'build-failed': 72,
  'module-unfit': 73,
  'module-unknown': 74,
  'btf-missing': 75,
  cancelled: 130,
};

/** The exit code of a failure; 1 is for what kheaders did not foresee. */
export function exitCodeOf(error: unknown): number {
  return isKhError(error) ? exitCodes[error.code] : 1;
}
