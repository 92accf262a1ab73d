import { quote } from './quote.js';

/** Where the archive appears: sysfs since Linux 5.2, procfs before (f7b101d33046 moved it) and in vendor backports. */
export const archivePaths = ['/sys/kernel/kheaders.tar.xz', '/proc/kheaders.tar.xz'] as const;

/**
 * Roots below which Android keeps kernel modules, the signed GKI copies first. `/lib/modules` is what
 * recoveries and non-Android userlands have.
 */
export const moduleRoots = [
  '/system_dlkm/lib/modules',
  '/system_dlkm/flatten/lib/modules',
  '/vendor_dlkm/lib/modules',
  '/odm_dlkm/lib/modules',
  '/vendor/lib/modules',
  '/odm/lib/modules',
  '/system/lib/modules',
  '/lib/modules',
] as const;

/** Below a root: flat, in a release folder, or in the place the kernel's own `make modules_install` chooses. */
const moduleForms = ['', '/*', '/kernel/kernel', '/*/kernel/kernel'] as const;

/** First line of a probe's output; anything before it is chatter of the shell or of su. */
export const probeMagic = 'kheaders-probe 1';
export const probeEnd = 'kheaders-probe end';

/**
 * The shell script that collects every fact a pull decides on, as `key=value` lines. It needs no root, writes nothing,
 * and starts as few programs as it can: globs, tests and reads are the shell's own, because on a phone each program
 * costs some milliseconds. `zcat` runs only where no headers were found, to quote the kernel's own configuration.
 */
export function formatProbeScript(): string {
  const globs = moduleForms.map((form) => `$d${form}/kheaders.ko*`);
  return [
    `echo ${quote(probeMagic)}`,
    'v=; read -r v </proc/version; echo "version=$v"',
    'echo "machine=$(uname -m)"',
    'echo "uid=$(id -u)"',
    'sha256sum /proc/config.gz /sys/kernel/notes 2>/dev/null | while read -r h f; do echo "sha256=$f $h"; done',
    'echo "fingerprint=$(getprop ro.build.fingerprint)"',
    'echo "abi=$(getprop ro.product.cpu.abi)"',
    'echo "vbmeta=$(getprop ro.boot.vbmeta.digest)"',
    'n=',
    `for f in ${archivePaths.join(' ')}; do [ -e "$f" ] || continue; n=1; r=no; [ -r "$f" ] && r=yes; echo "live=$r $f"; done`,
    `for d in ${moduleRoots.join(' ')}; do`,
    `for f in ${globs.join(' ')}; do [ -f "$f" ] || continue; n=1; r=no; [ -r "$f" ] && r=yes; echo "ko=$r $f"; done`,
    'done',
    'while read -r m s; do case $m in kheaders) echo "loaded=$s";; esac; done </proc/modules 2>/dev/null',
    's=no; command -v su >/dev/null 2>&1 && s=yes; echo "su=$s"',
    'if [ -z "$n" ] && [ -r /proc/config.gz ]; then echo "config=$(zcat /proc/config.gz 2>/dev/null | grep -w CONFIG_IKHEADERS)"; fi',
    `echo ${quote(probeEnd)}`,
  ].join('\n');
}

/** The longer search for kheaders.ko, run as root: one path a line. */
export function formatSearchScript(): string {
  return `find ${moduleRoots.join(' ')} -name 'kheaders.ko*' -type f 2>/dev/null; true`;
}
