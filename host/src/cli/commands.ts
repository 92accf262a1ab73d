import type { RegisteredCommand } from './command.js';

/** Every command by its name, in the order of the help. Loaded one by one: a line needs one of them. */
const loaders: Readonly<Record<string, () => Promise<RegisteredCommand>>> = {
  pull: async () => (await import('./commands/pull.js')).pullCommand,
  devices: async () => (await import('./commands/devices.js')).devicesCommand,
  agent: async () => (await import('./commands/agent.js')).agentCommand,
  path: async () => (await import('./commands/path.js')).pathCommand,
  list: async () => (await import('./commands/list.js')).listCommand,
  show: async () => (await import('./commands/show.js')).showCommand,
  verify: async () => (await import('./commands/verify.js')).verifyCommand,
  remove: async () => (await import('./commands/remove.js')).removeCommand,
  prune: async () => (await import('./commands/prune.js')).pruneCommand,
  cache: async () => (await import('./commands/cache.js')).cacheCommand,
  import: async () => (await import('./commands/import.js')).importCommand,
  export: async () => (await import('./commands/export.js')).exportCommand,
  kdir: async () => (await import('./commands/kdir.js')).kdirCommand,
  build: async () => (await import('./commands/build.js')).buildCommand,
  diff: async () => (await import('./commands/diff.js')).diffCommand,
  env: async () => (await import('./commands/env.js')).envCommand,
  cflags: async () => (await import('./commands/cflags.js')).cflagsCommand,
  btf: async () => (await import('./commands/btf.js')).btfCommand,
  check: async () => (await import('./commands/check.js')).checkCommand,
  run: async () => (await import('./commands/run.js')).runCommand,
};

/** Undefined where there is no command of that name. */
export async function findCommand(name: string | undefined): Promise<RegisteredCommand | undefined> {
  return name !== undefined && Object.hasOwn(loaders, name) ? loaders[name]?.() : undefined;
}

export async function loadCommands(): Promise<readonly RegisteredCommand[]> {
  return Promise.all(Object.values(loaders).map((load) => load()));
}
