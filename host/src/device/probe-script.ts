import { posix } from 'node:path';
import { archivePaths, moduleRoots } from '@kheaders/shared';

/** Below a root: flat, in a release folder, or in the place the kernel's own `make modules_install` chooses. */
const moduleForms = ['', '/*', '/kernel/kernel', '/*/kernel/kernel'] as const;

/** First line of a probe's output; anything before it is chatter of the shell or of su. */
export const probeMagic = 'kheaders-probe 1';
export const probeEnd = 'kheaders-probe end';
/** Stands between what the phone knows at once and what takes programs to find out. */
export const probeMiddle = 'kheaders-probe more';

/**
 * The shell script that collects what a phone knows at once, as `key=value` lines: which boot this is, and where headers
 * are. It needs no root, writes nothing and starts no program: globs, tests and reads are the shell's own, because on a
 * phone each program costs some milliseconds (USER_ID is mksh's own).
 *
 * Then it waits for one line, a command that has the conversation to itself from there on, which saves opening another:
 * formatProbeRest(), where the boot is not known, or the helper. Whatever it says goes in one write: a second small one
 * could wait 40 ms in the adb server. `agentPaths` are plain words, each folder's the same names.
 *
 * It is short for the same reason: with adb's 24 bytes of header it fits into one TCP segment. Where a phone is reached by
 * TCP, the second of two small segments may wait until the phone acknowledges the first, which it puts off for 40 ms.
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
exec 2>&3 3>&-
eval "$x"`;
}

/**
 * The rest of a probe, what takes programs to find out: one line for the shell that ran formatProbeScript(). Not sent
 * unasked, since the phone has better things to do then. `zcat` runs only where no headers were found, to quote the
 * kernel's own configuration.
 */
export function formatProbeRest(): string {
  return `exec 2>/dev/null; r=$(${askFacts().join('; ')}; echo "${probeEnd}"); echo "$r"`;
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
    // Most phones have few of these folders.
    `for d in ${moduleRoots.join(' ')}; do [ -d $d ] || continue; for f in ${globs.join(' ')}; do look ko "$f"; done; done`,
    'command -v su >/dev/null && add su=yes',
    ...(agentPaths.length === 0 ? [] : [findAgent(agentPaths)]),
  ].join('\n');
}

/**
 * The first of our helper files that can be run. Where everybody can write, only a file of our own counts: it will be
 * run as root.
 */
function findAgent(paths: readonly string[]): string {
  const parts = paths.map((path) => posix.parse(path));
  const unique = (words: readonly string[]): string => [...new Set(words)].join(' ');
  return [
    `for d in ${unique(parts.map(({ dir }) => dir))}; do for a in ${unique(parts.map(({ base }) => base))}; do`,
    'f=$d/$a',
    '[ -f "$f" ] && [ -x "$f" ] || continue',
    'case $d in /tmp) [ -O "$f" ] || continue;; esac',
    'add "agent=$f"; break 2; done; done',
  ].join('\n');
}

function askFacts(): readonly string[] {
  return [
    'echo "machine=$(uname -m)"',
    'sha256sum /proc/config.gz /sys/kernel/notes',
    'echo "fingerprint=$(getprop ro.build.fingerprint)"',
    'echo "abi=$(getprop ro.product.cpu.abi)"',
    'echo "vbmeta=$(getprop ro.boot.vbmeta.digest)"',
    '[ -z "$n" ] && [ -r /proc/config.gz ] && echo "config=$(zcat /proc/config.gz | grep -w CONFIG_IKHEADERS)"',
  ];
}

/** The longer search for kheaders.ko, run as root: one path a line. */
export function formatSearchScript(): string {
  return `find ${moduleRoots.join(' ')} -name 'kheaders.ko*' -type f 2>/dev/null; true`;
}
