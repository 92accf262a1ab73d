import { archivePaths, cgroupRoots } from '@kheaders/shared';
import { quote } from './quote.js';

/** What one attempt to get the archive does on the phone. Paths were validated by parseProbe(). */
export type TransferRequest =
  /** Read an archive that is there already; nothing is loaded or unloaded. */
  | { readonly kind: 'live'; readonly path: string }
  /**
   * Load the first of these modules whose vermagic names this release, read, unload it if we loaded it. One that is
   * loaded already is held while it is read.
   */
  | { readonly kind: 'module'; readonly release: string; readonly modules: readonly string[] }
  /** Read the module file itself; the archive is cut out of it on the host. */
  | { readonly kind: 'carve'; readonly path: string };

/** First line of a transfer; `key=value` lines, an empty line and the payload follow on stdout. */
export const transferMagic = 'kheaders-transfer 1';
/** Begins each line on stderr that is ours: `kheaders-note key=value`. */
export const noteMark = 'kheaders-note ';

/** A reader that stalls while connected (a suspended laptop) is ended after this many seconds, so that we unload. */
const readLimitSeconds = 600;
/** How long to leave the module to other readers before unloading it under them: tenths of a second. */
const readersLimit = 300;

/**
 * The script ignores every signal it can. It ends because its output does: when the host is gone, adbd closes the pipe,
 * `dd` fails and the script goes on to unload, SIGPIPE included: a note to a closed pipe must not end it. A trap would
 * be worse: mksh defers it while a foreground child runs, and adbd's SIGHUP reaches only one process and never one that
 * su started (AOSP shell_service.cpp).
 *
 * init kills adbd's whole cgroup when adbd restarts (`adb root` by somebody else), so a root script first moves out.
 */
const prologue = `
trap '' HUP INT TERM PIPE
note() { echo "${noteMark}$*" >&2; }
fail() { e=$1; shift; reply "error=$e
detail=$*"; exit 3; }
reply() { echo "${transferMagic}
$1
"; }
names() { m=; while read -r n _; do m="$m $n"; done </proc/modules; }
send() { timeout ${readLimitSeconds} dd if="$1" bs=65536 2>/dev/null || note "read=$?"; }
for g in ${cgroupRoots.join(' ')}; do
  [ -w $g/cgroup.procs ] && { echo $$ >$g/cgroup.procs; } 2>/dev/null
done
`;

const readFile = `
[ -r "$1" ] || fail read "$(cat "$1" 2>&1 >/dev/null | head -n 1)"
reply "path=$1
size=$(stat -c %s "$1")"
send "$1"
`;

/**
 * The strings of a module (.modinfo) stand near the end of the file, behind the archive; modinfo looks through all of it.
 *
 * Several hosts may pull from one phone. Whoever reads what another loaded holds a shared lock on the .ko file and has
 * looked again since; whoever loaded waits for the exclusive one before it unloads, unless not even a shared one can be
 * had: then there is no flock here. The lock belongs to the open file, goes with the process however it dies, and leaves
 * nothing behind. mksh closes descriptor 9 in the programs it starts, hence the copy on 8.
 */
const readModule = `
find_archive() { a=; for f in ${archivePaths.join(' ')}; do [ -e $f ] && { a=$f; return 0; }; done; return 1; }
lock() { toybox flock "$1" 8 8<&9 2>/dev/null; }
load() {
  err=$(insmod "$ko" 2>&1) && return 0
  case $err in *'File exists'*) return 1;; esac
  d=\${ko%/*}
  case $d in */kernel/kernel) d=\${d%/kernel/kernel};; esac
  [ -e "$d/modules.dep" ] && modprobe -d "$d" kheaders 2>/dev/null && return 0
  fail load "$err"
}
unload() {
  i=0
  until lock -xn; do
    [ $i -gt 0 ] || lock -sn || break
    [ $i -lt ${readersLimit} ] || break
    i=$((i+1)); sleep 0.1
  done
  i=0
  while [ $i -lt 20 ]; do
    err=$(rmmod kheaders 2>&1) && { note unload=ok; return; }
    [ -d /sys/module/kheaders ] || { note unload=gone; return; }
    i=$((i+1)); sleep 0.1
  done
  note "unload=failed"; note "detail=$err"
}
release=$1; shift
names; before=$m
ko=; seen=
for k; do
  v=$(tail -c 262144 "$k" | grep -zm1 '^vermagic=' 2>/dev/null); v=\${v#vermagic=}
  [ -n "$v" ] || v=$(modinfo -F vermagic "$k" 2>/dev/null)
  case "$v " in "$release "*) ko=$k; break;; esac
  seen="$seen $k (\${v:-unreadable});"
done
[ -n "$ko" ] || fail vermagic "$seen"
exec 9<"$ko"
loaded=no
get() { find_archive || { load && loaded=yes; find_archive; }; }
get
[ $loaded = yes ] || { lock -s; get || { sleep 1; get; }; }
if [ -z "$a" ]; then
  [ $loaded = yes ] && unload
  fail load "the module is loaded but shows no archive"
fi
[ $loaded = yes ] || ko=$a
reply "path=$ko
archive=$a
loaded=$loaded
before=$before
size=$(stat -c %s $a)"
send $a
[ $loaded = yes ] && unload
names; note "after=$m"
`;

/** USER_ID is mksh's own; other shells start a program. */
const rootCheck = '[ "${USER_ID:-$(id -u)}" = 0 ] || fail root "uid ${USER_ID:-$(id -u)}"\n';

/**
 * The complete script of one transfer; it runs in mksh or any POSIX shell. Where it is to run as root it makes sure of
 * that before it does anything.
 */
export function formatTransferScript(request: TransferRequest, asRoot: boolean): string {
  const words = request.kind === 'module' ? [request.release, ...request.modules] : [request.path];
  const body = request.kind === 'module' ? readModule : readFile;
  return `${prologue}${asRoot ? rootCheck : ''}set -- ${words.map(quote).join(' ')}\n${body.trim()}\nexit 0`;
}
