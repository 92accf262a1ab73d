export { errorCodes, type ErrorCode } from './error-code.js';
export { type BootIdentity, formatBoot, formatIdentity, type KernelIdentity } from './identity.js';
export { isRelease, parseKernelVersion, parseProcVersion } from './release.js';
