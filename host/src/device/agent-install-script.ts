import { agentPrefix } from '@kheaders/shared';

/** Names of files that are being pushed; nobody else takes them for a helper. */
export const pushPrefix = `${agentPrefix}new-`;
/** A pushed file that is older was left by a host that was killed. */
const staleMinutes = 10;

/** What kinds of programs the phone can run, and the machine for userlands that have no properties. */
export const abiScript = 'getprop ro.product.cpu.abilist; getprop ro.product.cpu.abi; uname -m; true';

const machineAbis: Readonly<Record<string, string>> = {
  aarch64: 'arm64-v8a',
  armv7l: 'armeabi-v7a',
  armv8l: 'armeabi-v7a',
  x86_64: 'x86_64',
  riscv64: 'riscv64',
};

/** The ABIs in the output of abiScript, the best first. */
export function parseAbis(output: string): readonly string[] {
  const words = output.split(/[\s,]+/).filter((word) => /^[A-Za-z0-9_-]{1,32}$/.test(word));
  return [...new Set(words.map((word) => machineAbis[word] ?? word))];
}

/**
 * Puts a pushed file in its place and tries it; one that does not run is taken away again. Then the helpers of other
 * versions go, unless somebody runs them: the plain shell sees its own processes only, but one that runs does not need
 * its file. What is said about that is nobody's: another host may take away what this one has seen. All three are plain
 * words; folder is that of both files.
 */
export function formatInstallScript(pushed: string, path: string, folder: string): string {
  return `exec 2>&1
rm() { command rm -f "$1"; }
chmod 755 ${pushed} && mv -f ${pushed} ${path} || { rm ${pushed}; exit 0; }
v=$({ ${path} --version; } 2>&1); c=$?
echo "code=$c"
echo "version=$v"
[ $c = 0 ] || { rm ${path}; exit 0; }
exec 2>/dev/null
o=
for f in ${folder}/${agentPrefix}*; do
  case $f in ${path}|${folder}/${pushPrefix}*|*[!A-Za-z0-9/._-]*) continue;; esac
  [ -f "$f" ] && o="$o $f"
done
[ -z "$o" ] || u=$(ls -l /proc/[0-9]*/exe 2>/dev/null)
for f in $o; do case $u in *"$f"*) ;; *) rm "$f";; esac; done
for f in ${folder}/${pushPrefix}*; do [ -f "$f" ] && find "$f" -mmin +${staleMinutes} -exec rm -f {} \\;; done
exit 0`;
}

export interface InstallReport {
  /** Absent where it did not come to that. */
  readonly code?: number;
  /** What the helper says it is, or what was said in its place. */
  readonly version: string;
}

export function parseInstallReport(output: string): InstallReport {
  const code = /^code=(\d{1,3})\r?$/m.exec(output)?.[1];
  const version = code === undefined ? output : (/^version=([^]*)$/m.exec(output)?.[1] ?? '');
  return { ...(code === undefined ? {} : { code: Number(code) }), version: version.trim() };
}
