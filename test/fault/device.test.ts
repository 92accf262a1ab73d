import { shellFrame } from '../support/adb-server-script.js';
import { testFailure } from './support/expect-failure.js';
import {
  type PhoneScript,
  archive,
  headerText,
  livePath,
  modulePath,
  phone,
  release,
  sendRefusal,
} from './support/phone-script.js';

const one = (script: PhoneScript) => ({ devices: [phone(script)] });
const live = (readable: 'yes' | 'no') => ({ ko: [], live: [`${readable} ${livePath}`] });

testFailure({
  name: 'a connection that ends in the probe',
  server: one({ onProbe: (shell) => (shell.stdout('kheaders-probe 1\nversion=Linux'), shell.cut()) }),
  code: 'device-lost',
  exit: 7,
  says: ['PHONE1', 'the cache is untouched', 'next: kheaders pull -s PHONE1 --wait'],
  details: { serial: 'PHONE1' },
});

testFailure({
  name: 'a complete probe without an exit frame',
  server: one({ onProbe: (shell) => (shell.stdout('kheaders-probe 1\nkheaders-probe end\n'), shell.cut()) }),
  code: 'device-lost',
  exit: 7,
  says: ['broke off'],
});

testFailure({
  name: 'a connection that ends in the middle of the archive',
  server: one({
    onTransfer: (shell) => (shell.stdout(headerText()), shell.stdout(archive.subarray(0, 300)), shell.cut()),
  }),
  code: 'device-lost',
  exit: 7,
  says: ['PHONE1', 'the cache is untouched'],
});

testFailure({
  name: 'a connection that ends in the middle of a frame',
  server: one({
    onTransfer(shell) {
      shell.stdout(headerText());
      shell.wire.send(shellFrame(1, archive).subarray(0, archive.length));
      shell.cut();
    },
  }),
  code: 'device-lost',
  exit: 7,
  says: ['PHONE1'],
});

testFailure({
  name: 'a frame of four gigabytes',
  server: one({ onTransfer: (shell) => shell.wire.send(shellFrame(1, 'x', 0xffffffff)) }),
  code: 'adb-protocol',
  exit: 11,
  says: ['a shell frame of 4294967295 bytes'],
});

testFailure({
  name: 'an archive that stalls, with --timeout',
  args: ['pull', '--timeout', '1'],
  server: one({ onTransfer: (shell) => (shell.stdout(headerText()), shell.stdout(archive.subarray(0, 300))) }),
  code: 'timeout',
  exit: 50,
  says: ['PHONE1', 'Waited 1 s'],
  details: { serial: 'PHONE1', milliseconds: 1000 },
});

testFailure({
  name: 'a su that hangs, with --timeout',
  args: ['pull', '--timeout', '1'],
  server: one({ onSu: () => undefined }),
  code: 'timeout',
  exit: 50,
  says: ['PHONE1'],
});

testFailure({
  name: 'a su that refuses',
  server: one({
    probe: { ko: [`no ${modulePath}`] },
    onSu: (shell) => (shell.stderr('\x1b[1mNot allowed\n'), shell.exit(1)),
  }),
  code: 'not-root',
  exit: 20,
  says: ['adb shell: uid 2000', 'su -c: exit code 1', 'Not allowed', 'su 0: exit code 1', '--root=adb'],
});

testFailure({
  name: 'a su that lies about itself',
  server: one({ probe: { ko: [`no ${modulePath}`] }, onSu: (shell) => (shell.stdout('2000\n'), shell.exit(0)) }),
  code: 'not-root',
  exit: 20,
  says: ['su -c: exit code 0'],
});

testFailure({
  name: 'no su',
  args: ['pull', '--source', 'module'],
  server: one({ probe: { su: ['no'] } }),
  code: 'not-root',
  exit: 20,
  says: ['su: not installed'],
});

testFailure({
  name: 'root not wanted',
  args: ['pull', '--root', 'none'],
  server: one({ probe: { ko: [`no ${modulePath}`] } }),
  code: 'not-root',
  exit: 20,
  says: ['because of --root=none'],
});

testFailure({
  name: 'a su that puts its child on a terminal',
  args: ['pull', '--source', 'module'],
  server: one({
    onTransfer(shell) {
      shell.stdout(headerText().replaceAll('\n', '\r\n'));
      shell.stdout(Buffer.from(archive.toString('latin1').replaceAll('\n', '\r\n'), 'latin1'));
      shell.exit();
    },
  }),
  code: 'device-failed',
  exit: 8,
  says: ['Its su puts commands on a terminal, which corrupts binary data'],
  details: { reason: 'pty' },
});

for (const [text, reason, says] of [
  ['Permission denied', 'EACCES', /SELinux/],
  ['Operation not permitted', 'EPERM', /CAP_SYS_MODULE/],
  ['Required key not available', 'ENOKEY', /does not know the key/],
  ['Key was rejected by service', 'EKEYREJECTED', /signed modules only/],
  ['Exec format error', 'ENOEXEC', /built for another kernel/],
] as const) {
  testFailure({
    name: `an insmod that says "${text}"`,
    args: ['pull', '--source', 'module'],
    server: one({ onTransfer: (shell) => sendRefusal(shell, 'load', `insmod: failed to load ${modulePath}: ${text}`) }),
    code: 'module-refused',
    exit: 23,
    says: [says, text, 'next: adb -s PHONE1 shell su -c', 'kheaders pull -s PHONE1 --no-load'],
    details: { serial: 'PHONE1', reason },
  });
}

testFailure({
  name: 'no module of this kernel',
  args: ['pull', '--source', 'module'],
  server: one({ onTransfer: (shell) => sendRefusal(shell, 'vermagic', `${modulePath} (6.1.0-other SMP);`) }),
  code: 'module-refused',
  exit: 23,
  says: ['built for another kernel', '6.1.0-other'],
  details: { reason: 'vermagic' },
});

testFailure({
  name: 'a live archive that even root may not read',
  server: one({
    probe: live('no'),
    onTransfer: (shell) => sendRefusal(shell, 'read', `cat: ${livePath}: Permission denied`),
  }),
  code: 'read-refused',
  exit: 24,
  says: ['SELinux or file permissions forbid it', 'Permission denied', 'next: kheaders pull -s PHONE1 --root=su'],
  details: { serial: 'PHONE1', reason: 'EACCES' },
});

testFailure({
  name: 'a module refused by all sources',
  server: one({
    onTransfer(shell) {
      if (shell.command.includes('insmod')) sendRefusal(shell, 'load', 'insmod: Permission denied');
      else sendRefusal(shell, 'read', 'cat: Permission denied');
    },
  }),
  code: 'module-refused',
  exit: 23,
  says: ['warning:', 'trying the next source: carve', 'SELinux'],
});

testFailure({
  name: 'a source that is not there',
  args: ['pull', '--source', 'live'],
  server: one({}),
  code: 'read-refused',
  exit: 24,
  says: ['There is: module, carve'],
});

testFailure({
  name: 'a kernel without headers',
  server: one({ probe: { ko: [], config: ['# CONFIG_IKHEADERS is not set'] } }),
  code: 'headers-not-supported',
  exit: 21,
  says: ['/proc/config.gz says: # CONFIG_IKHEADERS is not set', release, 'next: kheaders import FILE'],
});

testFailure({
  name: 'a kernel that cannot be asked',
  server: one({ probe: { ko: [], su: ['no'] } }),
  code: 'headers-unknown',
  exit: 22,
  says: ['/proc/config.gz cannot be read', 'su: not installed', '--root=su'],
});

testFailure({
  name: 'a kernel that must not be read',
  server: one({ probe: { ...live('yes'), version: ['Linux version 6.3.1-x (a) #1'] } }),
  code: 'read-hazard',
  exit: 25,
  says: ['6.3.1-x', 'next: kheaders import FILE'],
});
