import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '../phone/exec.js';
import type { Phone } from '../phone/phone.js';
import { bin } from '../phone/tests/cli.js';
import type { Timed } from './measure.js';

/** A cold pull, and what one would type without us; each into a folder of its own below `work`, removed after it. */
export interface Pulls {
  readonly fresh: () => string;
  readonly clean: (path: string) => () => Promise<void>;
  readonly cold: (...options: readonly string[]) => Timed;
  readonly recipe: () => Timed;
}

export function makePulls(phone: Phone, env: Readonly<Record<string, string>>, work: string): Pulls {
  let folder = 0;
  const fresh = (): string => join(work, `round-${++folder}`);
  const clean = (path: string) => async (): Promise<void> => {
    await exec('chmod', ['-R', 'u+w', path]);
    await rm(path, { recursive: true, force: true });
  };
  const cold = (...options: readonly string[]): Timed => {
    const cache = fresh();
    const args = [bin, 'pull', ...options];
    return { file: process.execPath, args, env: { ...env, KHEADERS_CACHE: cache }, after: clean(cache) };
  };
  const recipe = (): Timed => {
    const target = fresh();
    const lines = [
      'set -e',
      `mkdir ${target}`,
      // Android's modprobe needs its folder named.
      `adb shell "su -c 'modprobe -d /system_dlkm/lib/modules/${phone.release} kheaders'"`,
      `adb pull /sys/kernel/kheaders.tar.xz ${target}/a >/dev/null`,
      `adb shell "su -c 'rmmod kheaders'"`,
      `tar -C ${target} -xJf ${target}/a`,
    ];
    return { file: 'sh', args: ['-c', lines.join('\n')], env, after: clean(target) };
  };
  return { fresh, clean, cold, recipe };
}
