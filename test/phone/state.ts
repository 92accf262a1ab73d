import { readFileSync } from 'node:fs';
import { waitFor } from './wait.js';

/** A process is known by its pid together with its start time: pids are used again. */
export interface ProcessId {
  readonly pid: number;
  readonly startTime: string;
}

/** Field 22 of /proc/PID/stat; the name before it is in parentheses and may contain spaces. */
function readStat(pid: number): { state: string; startTime: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startTime: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

export function identify(pid: number): ProcessId {
  const stat = readStat(pid);
  if (!stat) throw new Error(`process ${pid} is gone already`);
  return { pid, startTime: stat.startTime };
}

export function isRunning(id: ProcessId): boolean {
  const stat = readStat(id.pid);
  return stat !== undefined && stat.startTime === id.startTime && stat.state !== 'Z';
}

export function killNow(id: ProcessId): void {
  if (!isRunning(id)) return;
  try {
    process.kill(id.pid, 'SIGKILL');
  } catch {
    // it ended by itself in between
  }
}

export async function endProcess(id: ProcessId): Promise<void> {
  killNow(id);
  await waitFor(`end of process ${id.pid}`, 10_000, () => (isRunning(id) ? undefined : true));
}

const ours = new Set<ProcessId>();

/** Processes that must not outlive this one. */
export function endAtExit(id: ProcessId): void {
  if (ours.size === 0) process.once('exit', () => ours.forEach(killNow));
  ours.add(id);
}

export function forgetAtExit(id: ProcessId): void {
  ours.delete(id);
}
