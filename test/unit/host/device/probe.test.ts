import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KhError } from '../../../../host/src/core/error.js';
import {
  isModulePath,
  parseBoot,
  parseModuleSearch,
  parseProbe,
  parseSighting,
} from '../../../../host/src/device/probe.js';
import { bootId, modulePath, probeText, release } from '../../../fault/support/phone-script.js';

const [a64, b64] = ['a'.repeat(64), 'b'.repeat(64)];

test('parseProbe reads every fact', () => {
  const text = probeText({
    uid: ['0'],
    vbmeta: ['c'.repeat(64)],
    live: ['no /sys/kernel/kheaders.tar.xz', 'yes /proc/kheaders.tar.xz'],
    ko: [`no ${modulePath}`, 'yes /vendor/lib/modules/kheaders.ko.gz'],
    loaded: ['4194304 0 - Live 0x0'],
    config: ['CONFIG_IKHEADERS=m'],
  });
  assert.deepEqual(parseProbe(text), {
    identity: {
      release,
      procVersion: `Linux version ${release} (build@host) #1 SMP`,
      machine: 'aarch64',
      configSha256: a64,
      notesSha256: b64,
      fingerprint: 'google/shiba/shiba:14/UQ1A/1:user/release-keys',
      vbmetaDigest: 'c'.repeat(64),
    },
    release,
    uid: 0,
    live: [
      { path: '/sys/kernel/kheaders.tar.xz', readable: false },
      { path: '/proc/kheaders.tar.xz', readable: true },
    ],
    modules: [
      { path: modulePath, readable: false },
      { path: '/vendor/lib/modules/kheaders.ko.gz', readable: true },
    ],
    loaded: true,
    abi: 'arm64-v8a',
    su: true,
    configLine: 'CONFIG_IKHEADERS=m',
  });
});

test('parseProbe takes CRLF, chatter in front and behind, and = in values', () => {
  const version = `Linux version ${release} (a=b) #1`;
  const text = probeText({ version: [version] });
  const noisy = `WARNING: linker\n\nsu: hello=1\nversion=Linux version 1.0 (fake)\n${text}bye=1\nuid=0\n`;
  for (const output of [noisy, noisy.replaceAll('\n', '\r\n')]) {
    const { identity, uid } = parseProbe(output);
    assert.equal(identity.procVersion, version);
    assert.equal(uid, 2000);
  }
});

test('parseProbe: what a phone does not tell is absent', () => {
  const probe = parseProbe(
    probeText({ '': [], fingerprint: [''], abi: [''], vbmeta: [''], ko: [], su: ['no'], uid: [''] }),
  );
  assert.deepEqual(probe, {
    identity: { release, procVersion: probe.identity.procVersion, machine: 'aarch64' },
    release,
    uid: -1,
    live: [],
    modules: [],
    loaded: false,
    su: false,
  });
});

test('parseProbe drops values of another form than asked for', () => {
  const probe = parseProbe(
    probeText({
      uid: ['root'],
      '': [
        'nonsense  /proc/config.gz',
        `${a64}  /etc/shadow`,
        `${b64}x  /sys/kernel/notes`,
        `${b64} /sys/kernel/notes`,
        `x=${b64}  /sys/kernel/notes`,
      ],
      abi: ['arm64; rm -rf /'],
      vbmeta: ['../../x'],
      live: [
        'yes /etc/passwd',
        'yes /sys/kernel/kheaders.tar.xz\x1b',
        'maybe /proc/kheaders.tar.xz',
        '/proc/kheaders.tar.xz',
      ],
      ko: [
        'yes /data/local/tmp/kheaders.ko',
        'yes /vendor/lib/modules/../../../data/kheaders.ko',
        'yes /vendor/lib/modules/$(id)/kheaders.ko',
        "yes /vendor/lib/modules/'/kheaders.ko",
        'yes /vendor/lib/modules/kheaders.ko*',
        `yes /vendor/lib/modules/${'x'.repeat(300)}/kheaders.ko`,
        'yes vendor/lib/modules/kheaders.ko',
      ],
      su: ['yes please'],
      config: ['CONFIG_IKHEADERS=m\x1b[31m'],
    }),
  );
  assert.equal(probe.uid, -1);
  assert.deepEqual(
    [probe.live, probe.modules, probe.su, probe.abi, probe.configLine],
    [[], [], false, undefined, undefined],
  );
  const { configSha256, notesSha256, vbmetaDigest } = probe.identity;
  assert.deepEqual([configSha256, notesSha256, vbmetaDigest], [undefined, undefined, undefined]);
});

test('parseProbe: free text keeps to its length and holds nothing that steers a terminal', () => {
  const hostile = '\x1b[31m\x9b\u202e\u2028'.repeat(200);
  const { identity } = parseProbe(
    probeText({ version: [`Linux version ${release} ${hostile}`], fingerprint: [hostile] }),
  );
  const { procVersion, fingerprint = '' } = identity;
  assert.doesNotMatch(procVersion + fingerprint, /[\p{Cc}\p{Cf}\p{Zl}]/u);
  assert.ok(procVersion.length <= 513 && fingerprint.length <= 257);
  const other = parseProbe(probeText({ fingerprint: ['\x1b'] })).identity.fingerprint;
  assert.notEqual(other, parseProbe(probeText({ fingerprint: ['\x1a'] })).identity.fingerprint);
});

test('parseProbe refuses a kernel it cannot name', () => {
  for (const version of [
    '',
    'Linux version ../../x (y)',
    'Linux version 6.1\x1b[2J (y)',
    'Darwin 23',
    'Linux version  x',
  ]) {
    assert.throws(() => parseProbe(probeText({ version: [version] })), { code: 'device-failed' }, version);
  }
  for (const machine of ['', '../x', 'AARCH64 x', 'x'.repeat(33)]) {
    assert.throws(() => parseProbe(probeText({ machine: [machine] })), { code: 'device-failed' }, machine);
  }
});

test('parseProbe refuses what is not a whole probe', () => {
  const text = probeText();
  for (const output of [
    '',
    'sh: not found\n',
    text.replace('kheaders-probe end', ''),
    text.replace('probe 1', 'probe 2'),
  ]) {
    assert.throws(() => parseProbe(output), { code: 'device-failed' });
  }
  const [, ...lines] = text.trimEnd().split('\n');
  assert.throws(() => parseProbe([...lines, 'kheaders-probe 1'].join('\n')), { code: 'device-failed' });
  assert.throws(
    () => parseProbe('x'.repeat(100_000)),
    (error: { details: { output: string } }) => error.details.output.length === 1000,
  );
});

test('isModulePath knows the places of Android, and nothing else', () => {
  for (const path of [
    '/system_dlkm/lib/modules/6.1.25-android14-11/kernel/kernel/kheaders.ko',
    '/system_dlkm/flatten/lib/modules/kheaders.ko',
    '/vendor/lib/modules/6.6-gki/kheaders.ko',
    '/lib/modules/5.10.0/kernel/kernel/kheaders.ko.xz',
    '/odm/lib/modules/kheaders.ko.zst',
  ]) {
    assert.ok(isModulePath(path), path);
  }
  for (const path of [
    '',
    'kheaders.ko',
    '/kheaders.ko',
    '/lib/modules',
    '/lib/modulesx/kheaders.ko',
    '/sdcard/lib/modules/kheaders.ko',
    '/lib/modules/6.1/otherkheaders.ko',
    '/lib/modules/6.1/kheaders.ko.sh',
    '/lib/modules/6.1/kheaders.ko\n',
    '/lib/modules/a b/kheaders.ko',
    '/lib/modules/../kheaders.ko',
    '/lib/modules/é/kheaders.ko',
  ]) {
    assert.equal(isModulePath(path), false, path);
  }
});

test('parseModuleSearch keeps module paths, each once, at most 64, none of them readable without root', () => {
  const output = `find: x: Permission denied\r\n${modulePath}\r\n${modulePath}\n /vendor/lib/modules/kheaders.ko \n/data/x/kheaders.ko\n`;
  assert.deepEqual(parseModuleSearch(output), [
    { path: modulePath, readable: false },
    { path: '/vendor/lib/modules/kheaders.ko', readable: false },
  ]);
  const many = Array.from({ length: 1000 }, (_, n) => `/lib/modules/${n}/kheaders.ko`).join('\n');
  assert.equal(parseModuleSearch(many).length, 64);
  assert.deepEqual(parseModuleSearch(''), []);
});

test('parseBoot knows the boot as soon as its lines are there, and not before', () => {
  const text = `chatter\nversion=no\n${probeText()}`;
  const known = { bootId, procVersion: `Linux version ${release} (build@host) #1 SMP`, release };
  const complete = text.indexOf('\n', text.indexOf('boot=')) + 1;
  for (let at = 0; at <= text.length; at++) {
    assert.deepEqual(parseBoot(text.slice(0, at)), at < complete ? null : known, `${at} of ${complete}`);
  }
  assert.deepEqual(parseBoot(text.replaceAll('\n', '\r\n')), known);
});

test('parseBoot: a phone that does not tell, or tells nonsense, has no boot', () => {
  for (const boot of ['', 'x', bootId.toUpperCase(), `${bootId}x`, `../${bootId}`]) {
    assert.equal(parseBoot(probeText({ boot: [boot] })), undefined, boot);
  }
  assert.equal(parseBoot(probeText({ boot: [] })), undefined);
  assert.equal(parseBoot(probeText({ version: ['Linux version ../x (y)'] })), undefined);
});

test('parseSighting knows where headers are as soon as the first part is there, and not before', () => {
  const text = probeText({ live: ['yes /proc/kheaders.tar.xz'], loaded: ['yes'] });
  const complete = text.indexOf('kheaders-probe more') + 'kheaders-probe more'.length;
  for (const at of [0, 20, 100, complete - 1]) assert.equal(parseSighting(text.slice(0, at)), undefined, String(at));
  const sighting = parseSighting(text.slice(0, complete));
  assert.deepEqual(sighting, {
    release,
    uid: 2000,
    live: [{ path: '/proc/kheaders.tar.xz', readable: true }],
    modules: [{ path: modulePath, readable: true }],
    loaded: true,
    su: true,
  });
  const { identity, abi, ...same } = parseProbe(text);
  assert.deepEqual([same, identity.release, abi], [sighting, release, 'arm64-v8a']);
});

test('parseSighting refuses a release that cannot be used', () => {
  const text = probeText({ version: ['Linux version ../../x (y)'] });
  assert.throws(
    () => parseSighting(text),
    (error: unknown) => error instanceof KhError && error.code === 'device-failed',
  );
});

test('parseSighting and parseProbe take a helper only where they looked for one', () => {
  const paths = ['/data/local/tmp/kheaders-agent-a-1', '/tmp/kheaders-agent-a-1'];
  for (const [told, known] of [
    [paths[1]!, paths[1]],
    ['/data/local/tmp/other', undefined],
    [`${paths[0]!}; reboot`, undefined],
    ['', undefined],
  ] as const) {
    const text = probeText({ agent: [told] });
    assert.equal(parseSighting(text, paths)?.agent, known);
    assert.equal(parseProbe(text, paths).agent, known);
    assert.equal('agent' in parseProbe(text), false);
  }
});
