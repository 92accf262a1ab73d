import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from './digest.js';
import { Machine, machineCommand, type MachineSpec } from './machine.js';
import type { Monitor } from './monitor.js';
import { cacheDir } from './paths.js';
import { publish } from './publish.js';
import { waitFor } from './wait.js';

/**
 * A snapshot is a booted phone that no adb server has spoken to: the guest's memory as a file and the devices' state
 * beside it. Phones started from it map the memory file privately, so it is neither copied nor read as a whole.
 */
type Kind = Pick<MachineSpec, 'arch' | 'pages' | 'memoryMiB' | 'assets'>;

function snapshotDir(kind: Kind): string {
  const command = machineCommand({ ...kind, kernelArgs: [] }).flat();
  const named = command.filter((word) => !word.startsWith('/'));
  return join(cacheDir(), 'snapshots', `${kind.arch}-${sha256(kind.assets.key, ...named)}`);
}

/** With this, migration leaves out memory that is a shared file, and finds it there again. */
async function leaveMemoryOut(monitor: Monitor): Promise<void> {
  await monitor.execute('migrate-set-capabilities', { capabilities: [{ capability: 'x-ignore-shared', state: true }] });
}

async function migrated(monitor: Monitor): Promise<true | undefined> {
  const { status } = (await monitor.execute('query-migrate')) as { status?: string };
  if (status === 'failed') throw new Error('qemu could not write the snapshot');
  return status === 'completed' || undefined;
}

async function save(machine: Machine): Promise<void> {
  await machine.waitForAdbd();
  await machine.root.check('sync; echo 3 > /proc/sys/vm/drop_caches');
  const monitor = await machine.monitor();
  await monitor.execute('stop');
  await leaveMemoryOut(monitor);
  await monitor.execute('migrate', { uri: 'exec:cat > state' });
  await waitFor('snapshot', 60_000, () => migrated(monitor));
}

async function make(dir: string, kind: Kind): Promise<void> {
  const memoryFile = { path: join(dir, 'memory'), share: true };
  const machine = await Machine.start(dir, { ...kind, kernelArgs: [], memoryFile }, false);
  try {
    await save(machine);
  } finally {
    await machine.end();
  }
  await Promise.all(
    ['qmp.sock', 'root.sock', 'qemu.log', 'boot.img'].map((name) => rm(join(dir, name), { force: true })),
  );
}

const making = new Map<string, Promise<string>>();

/** The snapshot's folder; made on first use. */
export function ensureSnapshot(kind: Kind): Promise<string> {
  const dir = snapshotDir(kind);
  const known = making.get(dir);
  if (known) return known;
  const made = publish(dir, (staging) => make(staging, kind));
  making.set(dir, made);
  made.catch(() => making.delete(dir));
  return made;
}

/** Starts a machine from a snapshot and lets it run. */
export async function restoreSnapshot(dir: string, from: string, kind: Kind, detached: boolean): Promise<Machine> {
  const memoryFile = { path: join(from, 'memory'), share: false };
  const machine = await Machine.start(dir, { ...kind, kernelArgs: [], memoryFile, from }, detached);
  try {
    const monitor = await machine.monitor();
    await leaveMemoryOut(monitor);
    await monitor.execute('migrate-incoming', { uri: `exec:cat < '${join(from, 'state')}'` });
    // The state was saved while stopped; `cont` before it is read completely would be lost.
    await waitFor('snapshot', 30_000, async () => (await monitor.status()) === 'paused' || undefined);
    await monitor.execute('cont');
  } catch (error) {
    await machine.end();
    throw error;
  }
  return machine;
}
