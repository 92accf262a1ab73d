import { cgroupRoots } from '@kheaders/shared';
import * as native from 'native';
import { readText, writeInto } from './files.js';

/** True at the root of every cgroup tree: nothing to leave. Each line is `number:controllers:path`. */
function isFree(): boolean {
  const lines = (readText('/proc/self/cgroup') ?? '').split('\n').filter((line) => line !== '');
  return lines.length > 0 && lines.every((line) => line.endsWith(':/'));
}

/**
 * Leaves adbd's cgroup, which init kills whole when adbd restarts, whoever asked for that (AOSP init/service.cpp,
 * KillProcessGroup). Only root may; true if some cgroup tree took us at its root.
 */
export function leaveCgroup(): boolean {
  // Moving makes the kernel wait for all processors.
  if (isFree()) return true;
  return cgroupRoots.filter((root) => writeInto(`${root}/cgroup.procs`, `${native.pid()}`)).length > 0;
}
