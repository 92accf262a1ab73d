import { archivePaths, moduleRoots } from '@kheaders/shared';

/** Below a root: flat, in a release folder, or in the place the kernel's own `make modules_install` chooses. */
const moduleForms = ['', '/*', '/kernel/kernel', '/*/kernel/kernel'] as const;

/** First line of a probe's output; anything before it is chatter of the shell or of su. */
export const probeMagic = 'kheaders-probe 1';
export const probeEnd = 'kheaders-probe end';
/** Stands between what the phone knows at once and what takes programs to find out. */
export const probeMiddle = 'kheaders-probe more';

/**
 * The shell script that collects every fact a pull decides on, as `key=value` lines. It needs no root, writes nothing,
 * and starts as few programs as it can: globs, tests and reads are the shell's own, because on a phone each program
 * costs some milliseconds (USER_ID is mksh's own). `zcat` runs only where no headers were found, to quote the kernel's
 * own configuration.
 *
 * It writes twice: first what the shell knows by itself (the boot, where headers are), because a known boot needs no
 * more and an unknown release can be fetched at once; then, when it is sent an empty line, what takes programs to find
 * out. Unasked it would go on with that while the phone has better things to do. Any other line is a command, which
 * then has the conversation to itself: that saves opening another. Every further small write could wait 40 ms
 * in the adb server. `agentPaths` are plain words.
 */
export function formatProbeScript(agentPaths: readonly string[] = []): string {
  return `exec 3>&2 2>/dev/null
v=; read -r v </proc/version
b=; read -r b </proc/sys/kernel/random/boot_id
${seeFacts(agentPaths)}
echo "${probeMagic}
version=$v
boot=$b
uid=\${USER_ID:-$(id -u)}$o
${probeMiddle}"
read -r x || exit 0
[ -z "$x" ] || { exec 2>&3 3>&-; eval "$x"; exit; }
r=$(
${askFacts()}
)
echo "$r
${probeEnd}"`;
}

/** Collects lines in $o without starting a program. */
function seeFacts(agentPaths: readonly string[]): string {
  const globs = moduleForms.map((form) => `$d${form}/kheaders.ko*`);
  return [
    'o=',
    'n=',
    'add() { o="$o\n$1"; }',
    'look() { [ -e "$2" ] || return; n=1; r=no; [ -r "$2" ] && r=yes; add "$1=$r $2"; }',
    // Looked at before and after the archive: another host may load or unload it between.
    'l=; loaded() { [ -d /sys/module/kheaders ] && l=yes; }; loaded',
    `for f in ${archivePaths.join(' ')}; do look live "$f"; done`,
    'loaded; [ -n "$l" ] && add loaded=yes',
    `for d in ${moduleRoots.join(' ')}; do for f in ${globs.join(' ')}; do look ko "$f"; done; done`,
    'command -v su >/dev/null && add su=yes',
    ...(agentPaths.length === 0 ? [] : [findAgent(agentPaths)]),
  ].join('\n');
}

/**
 * The first of our helper files that can be run. Where everybody can write, only a file of our own counts: it will be
 * run as root.
 */
function findAgent(paths: readonly string[]): string {
  return [
    `for f in ${paths.join(' ')}; do`,
    '[ -f "$f" ] && [ -x "$f" ] || continue',
    'case $f in /tmp/*) [ -O "$f" ] || continue;; esac',
    'add "agent=$f"; break; done',
  ].join('\n');
}

function askFacts(): string {
  return [
    'echo "machine=$(uname -m)"',
    'sha256sum /proc/config.gz /sys/kernel/notes',
    'echo "fingerprint=$(getprop ro.build.fingerprint)"',
    'echo "abi=$(getprop ro.product.cpu.abi)"',
    'echo "vbmeta=$(getprop ro.boot.vbmeta.digest)"',
    '[ -z "$n" ] && [ -r /proc/config.gz ] && echo "config=$(zcat /proc/config.gz | grep -w CONFIG_IKHEADERS)"',
  ].join('\n');
}

/** The longer search for kheaders.ko, run as root: one path a line. */
export function formatSearchScript(): string {
  return `find ${moduleRoots.join(' ')} -name 'kheaders.ko*' -type f 2>/dev/null; true`;
}
