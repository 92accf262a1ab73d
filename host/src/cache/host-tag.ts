import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { kill } from 'node:process';
import { errnoOf } from '../core/error.js';

/**
 * Eight hex digits for this machine since its last boot: within them a process id means something. The cache may be on
 * a network file system, and after a reboot the ids begin again. (The boot id is Linux only; elsewhere the host name
 * must do.)
 */
export function hostTag(): string {
  return createHash('sha256').update(`${hostname()}\n${bootId()}`).digest('hex').slice(0, 8);
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** True if this machine has a process of that id, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}
