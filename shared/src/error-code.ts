/**
 * Every way an operation of kheaders can fail. The list is closed: texts, exit codes and documentation are checked
 * against it, and callers branch on the code, never on a message.
 */
export const errorCodes = [
  'usage',
  'cancelled',
  'timeout',
  'adb-unreachable',
  'adb-protocol',
  'no-device',
  'ambiguous-device',
  'device-unauthorized',
  'device-offline',
  'device-lost',
  'device-failed',
  'not-root',
  'headers-not-supported',
  'headers-unknown',
  'read-refused',
  'read-hazard',
  'agent-refused',
  'module-refused',
  'archive-corrupt',
  'archive-refused',
  'release-mismatch',
  'cache-corrupt',
  'cache-unwritable',
  'disk-full',
  'not-cached',
  'tool-missing',
  'kbuild-missing',
  'kbuild-mismatch',
  'build-failed',
  'module-unfit',
  'module-unknown',
  'btf-missing',
  'several-failed',
] as const;

export type ErrorCode = (typeof errorCodes)[number];
