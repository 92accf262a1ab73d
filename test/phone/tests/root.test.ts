import assert from 'node:assert/strict';
import type { PhoneOptions } from '../phone.js';
import { type Bench, phoneTest, useAdbServer } from './phone-test.js';

useAdbServer();

type Json = Record<string, any>;

async function pullJson({ kheaders }: Bench, ...args: string[]): Promise<Json> {
  const { stdout } = await kheaders('pull', '--json', ...args);
  return JSON.parse(stdout) as Json;
}

const working: readonly (readonly [title: string, PhoneOptions, readonly string[], string])[] = [
  ['su of Magisk', { su: 'magisk' }, [], 'su -c'],
  ['su of AOSP', { su: 'aosp' }, [], 'su 0'],
  ['adb root, when asked', { su: 'none' }, ['--root=adb'], 'adb root'],
];
for (const [title, options, args, method] of working) {
  phoneTest(`pull becomes root by ${title}`, options, async ({ kheaders }) => {
    const pulled = await kheaders('pull', '--verbose', ...args);
    assert.equal(pulled.code, 0, pulled.stderr);
    assert.ok(pulled.stderr.includes(`becoming root (${method})`), pulled.stderr);
  });
}

phoneTest(
  'pull on an adbd that is root already leaves it so',
  { su: 'none' },
  async ({ kheaders, phone, server }) => {
    const pulled = await kheaders('pull', '--verbose', '--root=adb');
    assert.equal(pulled.code, 0, pulled.stderr);
    assert.ok(pulled.stderr.includes('becoming root (already)'), pulled.stderr);
    assert.equal((await phone.shell(server, 'id -u')).stdout.trim(), '0');
  },
  async ({ server, phone }) => {
    await server.adb('-s', phone.serial, 'root');
    await phone.connect(server);
  },
);

phoneTest('pull --no-load carves without root and loads nothing', { su: 'none' }, async (bench) => {
  const json = await pullJson(bench, '--no-load');
  assert.equal(json['source'].kind, 'carve');
  assert.equal(json['phone'].loaded, false);
});

phoneTest(
  'pull without any root falls back to carving and says so',
  { su: 'none', userBuild: true },
  async ({ kheaders }) => {
    const pulled = await kheaders('pull');
    assert.equal(pulled.code, 0, pulled.stderr);
    assert.match(pulled.stderr, /warning: .*No way to become root.*; trying the next source: carve/);
  },
);

/** kheaders.ko that only root may read, so that nothing is left but root. */
async function hideModule({ phone, server }: Bench): Promise<void> {
  assert.equal((await phone.root(server, 'chmod 600 $(find /system_dlkm -name kheaders.ko)')).code, 0);
}

const refusing: readonly (readonly [PhoneOptions, readonly string[], RegExp])[] = [
  [{ su: 'none' }, [], /Tried: adb shell: uid 2000, su: not installed/],
  [{ su: 'deny' }, [], /su -c: exit code 1, .*Permission denied/],
  [{ su: 'hang' }, [], /su -c: no answer within 12 s, su 0: no answer within 4 s/],
  [{ su: 'none', userBuild: true }, ['--root=adb'], /adb root: .*cannot run as root in production builds/],
  [{ su: 'magisk' }, ['--root=none'], /nothing else, because of --root=none/],
];
for (const [options, args, text] of refusing) {
  const name = [`su ${options.su ?? ''}`, ...(options.userBuild === true ? ['user build'] : []), ...args].join(', ');
  phoneTest(
    `pull says what it tried to become root (${name})`,
    options,
    async ({ kheaders, phone }) => {
      const pulled = await kheaders('pull', ...args);
      assert.equal(pulled.code, 20, pulled.stderr);
      assert.match(pulled.stderr, text);
      assert.ok(pulled.stderr.includes(phone.serial) && pulled.stderr.includes('next: adb'), pulled.stderr);
      assert.equal(pulled.stdout, '');
    },
    hideModule,
  );
}
