import type { ErrorCode } from '@kheaders/shared';
import type { ErrorDetails } from '../core/error.js';
import { printable } from '../core/printable.js';
import { adviseBuildTool } from './build-tool-advice.js';

/** Why it happened, as far as known, and what to type next. Either may be empty. */
export interface Advice {
  readonly why: readonly string[];
  readonly next: readonly string[];
}

type Advisor = (details: ErrorDetails) => Advice;

const advise = (why: readonly (string | undefined)[], next: readonly string[]): Advice => ({
  why: why.filter((line) => line !== undefined),
  next,
});

const s = ({ serial }: ErrorDetails): string => (serial === undefined ? '' : ` -s ${word(serial)}`);
const said = ({ output }: ErrorDetails): string | undefined =>
  output === undefined || output.trim() === '' ? undefined : `It said: ${printable(output.trim())}`;
const list = (items: readonly string[] | undefined): string => (items ?? []).map((item) => printable(item)).join(', ');

/** Device text inside a command to type must be one harmless word. */
function word(text: string): string {
  return /^[\w.:@+-]+$/.test(text) ? text : `'${printable(text).replaceAll("'", '')}'`;
}

/** By code; each line was written for the person who has the phone in hand. */
export const advisors: Readonly<Record<ErrorCode, Advisor>> = {
  usage: (d) =>
    advise(
      [d.actual && `Given: ${printable(d.actual)}`, d.choices && `Possible: ${list(d.choices)}`, fileReason(d)],
      ['kheaders --help'],
    ),
  cancelled: () => advise(['The phone unloads by itself what was loaded for this run.'], []),
  timeout: (d) =>
    advise(
      [
        d.milliseconds === undefined
          ? undefined
          : `Waited ${d.milliseconds / 1000} s for ${printable(d.reason ?? 'it')}.`,
      ],
      [`kheaders pull${s(d)} --timeout 600 --verbose`],
    ),
  'adb-unreachable': (d) =>
    advise(
      [
        d.reason && `Reason: ${printable(d.reason)}`,
        said(d),
        'A server is started only on this machine, never on another.',
      ],
      ['adb start-server', 'kheaders -H HOST -P PORT devices   (for a server elsewhere)'],
    ),
  'adb-protocol': (d) => advise([said(d)], ['adb version', 'kheaders devices --verbose']),
  'no-device': (d) =>
    advise(
      [d.choices && d.choices.length > 0 ? `Attached: ${list(d.choices)}` : 'adb sees no device at all.'],
      ['adb devices -l', 'kheaders pull --wait'],
    ),
  'ambiguous-device': (d) =>
    advise([`Attached: ${list(d.choices)}`], ['kheaders pull -s SERIAL', 'kheaders pull --all']),
  'device-unauthorized': (d) =>
    advise(
      [
        d.reason === 'no permissions'
          ? 'This user may not open the USB device (udev rules).'
          : "The phone has not accepted this host's key. Unlock it and confirm the dialog; a server without a display can be given a key by ADB_VENDOR_KEYS.",
      ],
      [`adb${s(d)} reconnect`, `kheaders pull${s(d)} --wait`],
    ),
  'device-offline': (d) =>
    advise([d.reason && `adb says: ${printable(d.reason)}`], [`adb${s(d)} reconnect`, `kheaders pull${s(d)} --wait`]),
  'device-lost': (d) =>
    advise(
      [
        'Cable, adb server or adbd went away. The phone unloads by itself what was loaded; the cache is untouched.',
        said(d),
      ],
      [`kheaders pull${s(d)} --wait`],
    ),
  'device-failed': (d) =>
    advise(
      [d.reason === 'pty' ? 'Its su puts commands on a terminal, which corrupts binary data.' : undefined, said(d)],
      [`adb${s(d)} shell id`, `kheaders pull${s(d)} --verbose`],
    ),
  'not-root': (d) =>
    advise(
      [`Tried: ${list(d.tried)}`, 'Loading a module needs root; on a phone with su, allow it for "shell".'],
      [`adb${s(d)} shell su -c id`, `kheaders pull${s(d)} --root=adb   (restarts adbd; userdebug builds only)`],
    ),
  'headers-not-supported': (d) =>
    advise(
      [d.configLine && `/proc/config.gz says: ${printable(d.configLine)}`],
      ['kheaders import FILE   (a kheaders.tar.xz of this very kernel, if you have one)'],
    ),
  'headers-unknown': (d) =>
    advise(
      [
        d.configLine
          ? `/proc/config.gz says: ${printable(d.configLine)}`
          : '/proc/config.gz cannot be read, so the kernel cannot be asked.',
        d.tried && `Root would see more; tried: ${list(d.tried)}`,
      ],
      [`adb${s(d)} shell "zcat /proc/config.gz | grep IKHEADERS"`, `kheaders pull${s(d)} --root=su`],
    ),
  'module-refused': adviseModule,
  'read-refused': (d) =>
    advise(
      [
        d.reason === 'EACCES'
          ? 'SELinux or file permissions forbid it to the adb shell.'
          : d.reason && `Reason: ${printable(d.reason)}`,
        d.choices && `There is: ${list(d.choices)}`,
        said(d),
      ],
      [`kheaders pull${s(d)} --root=su`],
    ),
  'read-hazard': () =>
    advise(
      ['Linux 6.3.0 and 6.3.1 hit a BUG when the archive is read (fixed by b69edab47f1d); a phone may reboot.'],
      ['kheaders import FILE   (an archive got another way)'],
    ),
  'agent-refused': (d) =>
    advise(
      [
        d.reason === 'not-shipped' ? 'scripts/build-agent makes them, before the package is built.' : undefined,
        d.choices && d.choices.length > 0 ? `On the phone: ${list(d.choices)}` : undefined,
        said(d),
      ],
      d.reason === 'not-installed'
        ? [`kheaders agent install${s(d)}`]
        : [`kheaders pull${s(d)} --no-agent   (works without it)`, `kheaders agent uninstall${s(d)}`],
    ),
  'archive-corrupt': (d) =>
    advise(
      [
        d.expected && `Expected ${printable(d.expected)}, got ${printable(d.actual ?? '?')}.`,
        d.path && `File: ${printable(d.path, 400)}`,
        'Nothing was published.',
      ],
      d.serial === undefined ? [] : [`kheaders pull${s(d)} --force`],
    ),
  'archive-refused': (d) =>
    advise(
      [
        d.entry && `Entry: ${printable(d.entry)}`,
        d.reason === 'symlink-archive'
          ? 'It holds links instead of headers: some Android 6.1 kernels were built that way (Bazel). Their headers are in no archive.'
          : d.reason && `Reason: ${printable(d.reason)}`,
        d.path && `File: ${printable(d.path, 400)}`,
        d.configLine && `Its configuration says: ${printable(d.configLine)}`,
        'Nothing was published.',
      ],
      d.configLine === 'CONFIG_IKHEADERS=m'
        ? ['kheaders import kheaders.ko   (the module of the same kernel holds them)']
        : d.reason === 'case-clash'
          ? ['kheaders pull --cache DIR   (on a case-sensitive file system)']
          : [],
    ),
  'release-mismatch': adviseMismatch,
  'cache-corrupt': (d) =>
    advise(
      [d.path && `At: ${printable(d.path, 400)}`, d.reason && `Damaged: ${printable(d.reason)}`],
      ['kheaders verify --repair', 'kheaders pull --force'],
    ),
  'cache-unwritable': (d) =>
    advise(
      [d.path && `At: ${printable(d.path, 400)}`, d.reason && `Reason: ${printable(d.reason)}`],
      ['kheaders pull --cache DIR', 'export KHEADERS_CACHE=DIR'],
    ),
  'disk-full': (d) =>
    advise(
      [d.path && `At: ${printable(d.path, 400)}`, 'One kernel needs about 50 MB. Nothing was published.'],
      ['kheaders prune --keep 3', 'kheaders pull --cache DIR'],
    ),
  'not-cached': (d) =>
    advise(
      [d.choices && d.choices.length > 0 ? `In the cache: ${list(d.choices)}` : 'The cache is empty.'],
      ['kheaders pull', 'kheaders list'],
    ),
  'tool-missing': (d) =>
    d.path === 'bpftool'
      ? advise(['It turns BTF into vmlinux.h.'], ['apt install bpftool', 'export BPFTOOL=/path/to/bpftool'])
      : (adviseBuildTool(d) ??
        advise([d.tried && `Tried: ${list(d.tried)}`], ['apt install adb', 'export ADB=/path/to/adb'])),
  'kbuild-missing': (d) =>
    advise(
      [
        'The archive of a modern kernel holds headers only; Makefile and scripts/ come from elsewhere.',
        d.tried && `Looked at: ${list(d.tried)}`,
      ],
      ['kheaders kdir --kbuild DIR   (the source of the same kernel, a folder or a tarball)'],
    ),
  'kbuild-mismatch': (d) =>
    advise(
      [`The headers are of ${printable(d.expected ?? '?')}, the Kbuild files of ${printable(d.actual ?? '?')}.`],
      ['kheaders kdir --kbuild DIR   (of the same version)', 'kheaders kdir --kbuild DIR --allow-mismatch'],
    ),
  'build-failed': (d) =>
    advise(
      [d.reason && printable(d.reason, 400), d.choices && d.choices.length > 0 ? list(d.choices) : undefined, said(d)],
      (d.tried ?? ['kheaders build DIR --verbose']).map((line) => printable(line, 400)),
    ),
  'module-unfit': (d) =>
    advise([d.reason && printable(d.reason)], [`kheaders build DIR${s(d)}   (for this very kernel)`]),
  'module-unknown': (d) => advise([d.reason && printable(d.reason)], [`kheaders check FILE.ko${s(d)} --json`]),
  'btf-missing': (d) =>
    advise(
      [
        d.devicePath === undefined
          ? 'BTF is no part of the headers: it is read from a phone that runs this kernel.'
          : 'The kernel was built without CONFIG_DEBUG_INFO_BTF; its headers still have all types and macros.',
      ],
      d.devicePath === undefined ? ['kheaders btf -s SERIAL'] : [`kheaders env${s(d)}`, `kheaders cflags${s(d)} --bpf`],
    ),
  'several-failed': () => advise([], ['kheaders devices']),
};

function fileReason(d: ErrorDetails): string | undefined {
  return d.path === undefined
    ? undefined
    : `File: ${printable(d.path, 400)}${d.reason === undefined ? '' : ` (${printable(d.reason)})`}`;
}

function adviseMismatch(d: ErrorDetails): Advice {
  const [expected, actual] = [printable(d.expected ?? '?', 600), printable(d.actual ?? '?', 600)];
  const why =
    d.reason === 'image-banner'
      ? [`The phone's /proc/version: ${expected}`, `The image: ${actual}`]
      : d.reason === 'image-config'
        ? [
            'Both name the same build, but their configurations differ.',
            `sha256 of the phone's /proc/config.gz: ${expected}`,
            `in the image: ${actual}`,
          ]
        : d.reason === 'image-options'
          ? [`The image and the headers do not agree about: ${expected}`]
          : d.reason === 'no-banner'
            ? [`The phone's /proc/version: ${expected}`, 'The file has no such line: is it a kernel image?']
            : d.reason === 'image-headers'
              ? [`The file is of ${expected}, the headers in it are of ${actual}.`]
              : [`The phone runs ${expected}, the headers are of ${actual}.`];
  const file = d.path === undefined ? undefined : `File: ${printable(d.path, 400)}`;
  const ask =
    d.reason === 'image-headers'
      ? []
      : [
          `adb${s(d)} shell ${d.reason === undefined ? 'uname -r' : d.reason === 'image-config' ? 'zcat /proc/config.gz' : 'cat /proc/version'}`,
        ];
  return advise([...why, file, 'Nothing was published.'], ask);
}

const refusals: Readonly<Record<string, string>> = {
  EPERM: 'Not permitted: module loading is switched off, or this root lacks CAP_SYS_MODULE.',
  EACCES: 'Permission denied: SELinux, or the protection of GKI symbols.',
  ENOEXEC: 'The kernel does not take the file: damaged, or built for another kernel.',
  EKEYREJECTED: 'The kernel takes signed modules only, and this one has no signature it trusts.',
  ENOKEY: 'The kernel takes signed modules only, and does not know the key of this one.',
  ENOMEM: 'The phone has not enough memory.',
  vermagic: 'It was built for another kernel than the one that runs.',
};

function adviseModule(d: ErrorDetails): Advice {
  if (d.path !== undefined) return adviseRun(d, d.path);
  const why = d.reason === undefined ? undefined : (refusals[d.reason] ?? `Reason: ${printable(d.reason)}`);
  return advise(
    [why, said(d)],
    [`adb${s(d)} shell su -c 'dmesg | tail'`, `kheaders pull${s(d)} --no-load   (cuts the archive out of the file)`],
  );
}

/** Of a module of the user's own; what the kernel says of it is in its log. */
const runRefusals: Readonly<Record<string, string>> = {
  ...refusals,
  EEXIST: 'Somebody needs it; it was not touched.',
  ENOENT: 'It needs symbols that this kernel does not export to it.',
  EINVAL: 'Symbols of other versions, a missing MODULE_IMPORT_NS, or a parameter it does not take.',
  EBUSY: 'Somebody uses it. The phone tries again by itself while anybody there can.',
  'no-exit': 'A module needs module_exit(), even an empty one, to be unloaded.',
};

function adviseRun(d: ErrorDetails, path: string): Advice {
  const why = d.reason === undefined ? undefined : (runRefusals[d.reason] ?? `Reason: ${printable(d.reason)}`);
  const said = (d.output ?? '').split('\n').filter((line) => line !== '');
  const file = word(path);
  const next =
    d.reason === 'EEXIST' || d.reason === 'EBUSY'
      ? [`adb${s(d)} shell cat /proc/modules`, `kheaders agent status${s(d)}`]
      : [`kheaders check ${file}${s(d)}`];
  return advise([why, ...said.slice(0, 8).map((line) => `kernel: ${printable(line)}`)], next);
}
