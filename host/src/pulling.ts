/** The part of the library that pulls from one phone: all that runs before the first word to it is in here. */
export type { ErrorCode, KernelIdentity } from '@kheaders/shared';
export { errorCodes } from '@kheaders/shared';
export type { Device } from './adb/device-list.js';
export type { ServerFlags } from './adb/server-address.js';
export type { DamagedEntry, Entry } from './cache/format.js';
export type { Layout, Manifest, SourceKind } from './cache/manifest.js';
export type { PruneRules, Removal } from './cache/prune.js';
export type { Usage } from './cache/usage.js';
export type { Problem } from './cache/verify.js';
export type { OperationOptions } from './core/context.js';
export { type ErrorDetails, KhError, isKhError } from './core/error.js';
export type { Event, Step, WarningCode } from './core/events.js';
export type { RootPolicy } from './device/root.js';
export type { DeviceSelector } from './device/select.js';
export type { PhoneReport } from './pull/phone-report.js';
export type { AdbOptions, CacheOptions, FetchOptions, PullOptions } from './pull/options.js';
export type { AttemptKind } from './pull/plan.js';
export { type PullResult, pull } from './pull/pull-device.js';
