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
 * costs some milliseconds (USER_ID is mksh's own). `zcat` runs only where no headers were found, to quote the kernel's
 * own configuration.
 *
 * It writes twice: the boot, before any program was started, because a known boot needs no more; then all the rest.
 * Every further small write could wait 40 ms in the adb server.
 */
export function formatProbeScript(): string {
  return `exec 2>/dev/null
v=; read -r v </proc/version
b=; read -r b </proc/sys/kernel/random/boot_id
echo "${probeMagic}
version=$v
boot=$b"
r=$(
${collectFacts()}
)
echo "$r
${probeEnd}"`;
}

function collectFacts(): string {
  const globs = moduleForms.map((form) => `$d${form}/kheaders.ko*`);
  return [
    'echo "machine=$(uname -m)"',
    'echo "uid=${USER_ID:-$(id -u)}"',
    'sha256sum /proc/config.gz /sys/kernel/notes',
    'echo "fingerprint=$(getprop ro.build.fingerprint)"',
    'echo "abi=$(getprop ro.product.cpu.abi)"',
    'echo "vbmeta=$(getprop ro.boot.vbmeta.digest)"',
    'n=',
    'look() { [ -e "$2" ] || return; n=1; r=no; [ -r "$2" ] && r=yes; echo "$1=$r $2"; }',
    `for f in ${archivePaths.join(' ')}; do look live "$f"; done`,
    `for d in ${moduleRoots.join(' ')}; do for f in ${globs.join(' ')}; do look ko "$f"; done; done`,
    'while read -r m s; do [ "$m" = kheaders ] && echo "loaded=$s"; done </proc/modules',
    'command -v su >/dev/null && echo su=yes',
    '[ -z "$n" ] && [ -r /proc/config.gz ] && echo "config=$(zcat /proc/config.gz | grep -w CONFIG_IKHEADERS)"',
  ].join('\n');
}

/** The longer search for kheaders.ko, run as root: one path a line. */
export function formatSearchScript(): string {
  return `find ${moduleRoots.join(' ')} -name 'kheaders.ko*' -type f 2>/dev/null; true`;
}
