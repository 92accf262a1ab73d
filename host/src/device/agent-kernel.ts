import type { BootIdentity, MessageBody } from '@kheaders/shared';
import { type Probe, type Sighting, parseBoot, parseProbe } from './probe.js';
import { probeEnd, probeMagic } from './probe-script.js';

type Kernel = MessageBody<'kernel'>;

/** The boot a kernel's facts are of; undefined where the phone does not tell. */
export function findBoot(kernel: Kernel): BootIdentity | undefined {
  return parseBoot(formatFacts(kernel)) ?? undefined;
}

/** The probe's result in the agent's words. Every value passes the same door. Errors: as parseProbe(). */
export function asProbe(kernel: Kernel, seen: Sighting): Probe {
  const told = parseProbe(formatFacts(kernel));
  return { ...told, ...seen, release: told.release };
}

/** As the probe script prints them; a value with a line end would be two facts. */
function formatFacts(kernel: Kernel): string {
  const line = (text: string): string => text.split('\n')[0] ?? '';
  return [
    probeMagic,
    `version=${line(kernel.procVersion)}`,
    `boot=${line(kernel.bootId)}`,
    `machine=${line(kernel.machine)}`,
    `${line(kernel.configSha256)}  /proc/config.gz`,
    `${line(kernel.notesSha256)}  /sys/kernel/notes`,
    `fingerprint=${line(kernel.fingerprint)}`,
    `abi=${line(kernel.abi)}`,
    `vbmeta=${line(kernel.vbmeta)}`,
    probeEnd,
  ].join('\n');
}
