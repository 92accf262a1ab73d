export { errorCodes, type ErrorCode } from './error-code.js';
export { type BootIdentity, formatBoot, formatIdentity, type KernelIdentity } from './identity.js';
export { isRelease, parseKernelVersion, parseProcVersion } from './release.js';
export { agentFolders, agentPrefix, archivePaths, cgroupRoots, daemonSocket, moduleRoots } from './places.js';
export { encodeFrame, frameHeader, frameMagic, junkLimit, payloadLimit, putHeader } from './agent/frame.js';
export { FrameReader } from './agent/frame-reader.js';
export {
  type Message,
  type MessageBody,
  type MessageName,
  messages,
  protocolVersion,
  unloadResults,
} from './agent/messages.js';
export { decodeUtf8, encodeUtf8 } from './agent/utf8.js';
export { type WireCode, wireCodes, WireError } from './agent/wire-error.js';
