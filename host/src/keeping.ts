/** The part of the library that is about the cache, about many phones, and about the helper on them. */
export { type DeviceOutcome, pullAll } from './lab/pull-all.js';
export { type KernelCache, openCache } from './pull/kernel-cache.js';
export { type DeviceReport, listDevices } from './pull/list-devices.js';
export {
  type AgentDaemon,
  type AgentLease,
  type AgentOptions,
  type AgentStatus,
  type AgentStopped,
  type AgentUninstalled,
  agentInstall,
  agentStatus,
  agentStop,
  agentUninstall,
} from './pull/manage-agent.js';
