import { smallTree, compressXz, makeTar } from '../../support/archives.js';
import type { ScriptedDevice, ScriptedShell, ShellHandler, Wire } from '../../support/adb-server-script.js';
import { agentBuild } from '../../support/agent-script.js';

/** The release that smallTree's headers are of. */
export const release = '6.1.25-android14-11';
export const modulePath = `/system_dlkm/lib/modules/${release}/kernel/kernel/kheaders.ko`;
export const bootId = '01234567-89ab-cdef-0123-456789abcdef';
export const livePath = '/sys/kernel/kheaders.tar.xz';
export const archive = compressXz(makeTar(smallTree), '-6');

/** How a scripted phone answers; each part may be replaced. Default: a phone with su that has kheaders.ko. */
export interface PhoneScript {
  /** Lines of the probe in place of those with the same key; an empty list leaves the key out, no key is a digest. */
  readonly probe?: Readonly<Record<string, readonly string[]>>;
  readonly onProbe?: ShellHandler;
  readonly onSu?: ShellHandler;
  readonly onTransfer?: ShellHandler;
  readonly onSearch?: ShellHandler;
  /** Our helper, started; default: there is none. */
  readonly onAgent?: ShellHandler;
  /** Our helper, tried after it was pushed; default: it runs. */
  readonly onInstall?: ShellHandler;
  /** Our files and the daemon, asked for or taken away; default: nothing is there. */
  readonly onList?: ShellHandler;
}

const facts: Readonly<Record<string, readonly string[]>> = {
  version: [`Linux version ${release} (build@host) #1 SMP`],
  boot: [bootId],
  machine: ['aarch64'],
  uid: ['2000'],
  '': [`${'a'.repeat(64)}  /proc/config.gz`, `${'b'.repeat(64)}  /sys/kernel/notes`],
  fingerprint: ['google/shiba/shiba:14/UQ1A/1:user/release-keys'],
  abi: ['arm64-v8a'],
  vbmeta: [],
  live: [],
  ko: [`yes ${modulePath}`],
  su: ['yes'],
};

/** What a phone tells before it starts a program. */
const atOnce = new Set(['version', 'boot', 'uid', 'live', 'ko', 'loaded', 'su', 'agent']);

/** The text a phone answers the probe with. */
export function probeText(changes: PhoneScript['probe'] = {}): string {
  const all = Object.entries({ ...facts, ...changes });
  const lines = (early: boolean): string[] =>
    all
      .filter(([key]) => atOnce.has(key) === early)
      .flatMap(([key, values]) => values.map((v) => (key === '' ? v : `${key}=${v}`)));
  const parts = ['kheaders-probe 1', ...lines(true), 'kheaders-probe more', ...lines(false), 'kheaders-probe end', ''];
  return parts.join('\n');
}

/** The header of a transfer that loaded the module. */
export function headerText(fields: Readonly<Record<string, string>> = {}): string {
  const all = { before: 'binder', path: modulePath, loaded: 'yes', size: String(archive.length), ...fields };
  return ['kheaders-transfer 1', ...Object.entries(all).map(([key, value]) => `${key}=${value}`), '', ''].join('\n');
}

/** What a good phone does with a transfer. `bytes` is the payload, `size` what the header says of it. */
export function sendArchive(shell: ScriptedShell, bytes: Buffer = archive, size: number = bytes.length): void {
  shell.stdout(headerText({ size: String(size) }));
  shell.stdout(bytes);
  shell.stderr('kheaders-note unload=ok\nkheaders-note after=binder\n');
  shell.exit();
}

/** What a phone does that refuses a transfer. */
export function sendRefusal(shell: ScriptedShell, kind: string, detail: string): void {
  shell.stdout(`kheaders-transfer 1\nbefore=binder\nerror=${kind}\ndetail=${detail}\n\n`);
  shell.exit(3);
}

export function scriptPhone(script: PhoneScript = {}): ShellHandler {
  const { probe, onProbe, onSu, onTransfer, onSearch, onAgent, onInstall, onList } = script;
  const answerProbe: ShellHandler = (shell) => {
    const text = probeText(probe);
    const middle = text.indexOf('\n', text.indexOf('kheaders-probe more')) + 1;
    shell.stdout(text.slice(0, middle));
    takeLine(shell, (line, rest) => {
      if (!line.includes('kheaders-probe end')) return answer({ ...shell, command: line, onInput: rest });
      shell.stdout(text.slice(middle));
      shell.exit();
    });
  };
  const answerId: ShellHandler = (shell) => {
    shell.stdout('0\n');
    shell.exit();
  };
  const answer: ShellHandler = (shell) => {
    const { command } = shell;
    if (command.includes('kheaders-probe')) (onProbe ?? answerProbe)(shell);
    else if (command.includes('kheaders-transfer')) {
      // A su that does not work does not work for a transfer either.
      const answer = onTransfer ?? (command.startsWith('su ') ? onSu : undefined) ?? sendArchive;
      answer(shell);
    } else if (command.includes('--stdio')) (onAgent ?? notFound)(shell);
    else if (command.includes('ro.product.cpu.abilist')) answerAbis(shell);
    else if (command.includes('--version')) (onInstall ?? answerVersion)(shell);
    else if (command.includes('kheaders-list') || command.includes('rm -f /data')) (onList ?? answerNothing)(shell);
    else if (command.includes('id -u')) (onSu ?? answerId)(shell);
    else if (command.includes('find ') && onSearch) onSearch(shell);
    else shell.exit(127);
  };
  return answer;
}

/** Takes the first line of a shell's input; `rest` takes what comes after it. */
function takeLine(shell: ScriptedShell, taken: (line: string, rest: ScriptedShell['onInput']) => void): void {
  let pending = Buffer.alloc(0);
  let later: ((bytes: Buffer | undefined) => void) | undefined;
  let begun = false;
  shell.onInput((bytes) => {
    if (begun) return later?.(bytes);
    pending = Buffer.concat([pending, bytes ?? Buffer.alloc(0)]);
    const end = pending.indexOf('\n');
    if (end < 0) return;
    begun = true;
    taken(pending.subarray(0, end).toString(), (handler) => {
      later = handler;
      handler(pending.subarray(end + 1));
    });
  });
}

const notFound: ShellHandler = (shell) => (shell.stderr('sh: not found\n'), shell.exit(127));
const answerAbis: ShellHandler = (shell) => (
  shell.stdout('arm64-v8a,armeabi-v7a,armeabi\narm64-v8a\naarch64\n'),
  shell.exit()
);
const answerNothing: ShellHandler = (shell) => (shell.stdout(listText([], false)), shell.exit());

/** What a phone answers that is asked for our files. */
export function listText(files: readonly string[], running: boolean | undefined): string {
  const told = running === undefined ? [] : [`running=${running ? 'yes' : 'no'}`];
  return ['kheaders-list 1', ...files.map((path) => `file=${path}`), ...told, 'kheaders-list end', ''].join('\n');
}

const answerVersion: ShellHandler = (shell) => (shell.stdout(`code=0\nversion=${agentBuild}\n`), shell.exit());

/** A ready device that follows the script; it takes every file that is pushed. */
export function phone(script: PhoneScript = {}, serial = 'PHONE1', transportId = 1): ScriptedDevice {
  return { serial, transportId, shell: scriptPhone(script), service: takeFile(() => undefined) };
}

/** The service `sync:` for one SEND: all of its data, then OKAY, or FAIL where `taken` returns a text. */
export function takeFile(
  taken: (file: { readonly target: string; readonly bytes: Buffer }) => string | undefined,
): (name: string, wire: Wire) => void {
  return (name, wire) => {
    if (name !== 'sync:') return wire.fail('closed');
    wire.okay();
    let pending = Buffer.alloc(0);
    let target = '';
    const pieces: Buffer[] = [];
    wire.onData((chunk) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 8) {
        const word = pending.subarray(0, 4).toString('latin1');
        const value = pending.readUInt32LE(4);
        const end = word === 'DONE' ? 8 : 8 + value;
        if (pending.length < end) return;
        const content = Buffer.from(pending.subarray(8, end));
        pending = pending.subarray(end);
        if (word === 'SEND') target = content.toString('utf8');
        else if (word === 'DATA') pieces.push(content);
        else if (word === 'DONE') endFile(wire, taken({ target, bytes: Buffer.concat(pieces) }));
      }
    });
  };
}

function endFile(wire: Wire, refusal: string | undefined): void {
  const header = Buffer.alloc(8);
  header.write(refusal === undefined ? 'OKAY' : 'FAIL', 0, 'latin1');
  header.writeUInt32LE(Buffer.byteLength(refusal ?? ''), 4);
  wire.send(Buffer.concat([header, Buffer.from(refusal ?? '')]));
  if (refusal !== undefined) wire.end();
}
