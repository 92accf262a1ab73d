import { readText } from './files.js';

/** Resident memory of a process in KiB; 0 where it cannot be told. */
export function residentKilobytes(pid: number): number {
  const lines = (readText(`/proc/${pid}/status`) ?? '').split('\n');
  const line = lines.find((candidate) => candidate.startsWith('VmRSS:')) ?? '';
  return Math.max(0, Number.parseInt(line.slice('VmRSS:'.length).trim(), 10) || 0);
}
