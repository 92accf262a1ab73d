import { randomBytes, randomUUID } from 'node:crypto';
import type { PhoneSpec } from './options.js';

/** The properties in which a phone of this kind differs from the base image's build.prop. */
function properties(spec: PhoneSpec): Record<string, string> {
  const build = spec.userBuild
    ? {
        'ro.debuggable': '0',
        'ro.build.type': 'user',
        'ro.build.tags': 'release-keys',
        'ro.build.fingerprint': 'virtual/phone/phone:11/RP1A/1:user/release-keys',
      }
    : {};
  return {
    ...build,
    'ro.serialno': spec.name,
    'ro.boot.serialno': spec.name,
    'phone.su': spec.su,
    ...(spec.unauthorized ? { 'ro.adb.secure': '1' } : {}),
    ...(spec.sigEnforce ? { 'phone.sig_enforce': '1' } : {}),
  };
}

/** For a cold boot: init reads them from the command line before it starts anything. */
export function bootArguments(spec: PhoneSpec): string[] {
  return [...Object.entries(properties(spec)).map(([name, value]) => `prop.${name}=${value}`), ...spec.kernelArgs];
}

/** adbd reads these when it starts, so it is started again, the way Android's init does it. */
const RESTART_ADBD = [
  'old=$(getprop init.svc_debug_pid.adbd)',
  'setprop ctl.restart adbd',
  'until [ "$(getprop init.svc_debug_pid.adbd)" != "$old" ]; do sleep 0.02; done',
];

/**
 * For a phone started from a snapshot: what a boot would have set, and what must not be the same in two phones (boot
 * id, random numbers, clock). Written directly, because setprop refuses to change ro.* properties.
 */
export function restoreCommands(spec: PhoneSpec): string {
  const lines = Object.entries(properties(spec)).map(
    ([name, value]) =>
      `printf %s '${value}' > /dev/__properties__/.new && mv /dev/__properties__/.new /dev/__properties__/${name}`,
  );
  lines.push(
    `date -u @${Math.floor(Date.now() / 1000)} >/dev/null`,
    `echo ${randomBytes(64).toString('base64')} | /init reseed`,
    `echo ${randomUUID()} > /dev/.boot_id && chmod 444 /dev/.boot_id`,
    'mount -o bind /dev/.boot_id /proc/sys/kernel/random/boot_id',
  );
  if (spec.su === 'none') lines.push('while [ -e /system/xbin/su ]; do sleep 0.02; done');
  if (spec.sigEnforce) lines.push('echo 1 > /sys/module/module/parameters/sig_enforce');
  if (spec.userBuild || spec.unauthorized) lines.push(...RESTART_ADBD);
  return ['set -e', ...lines].join('\n');
}
