import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '../exec.js';
import { type Bench, hasModule, phoneTest, useAdbServer } from './phone-test.js';

useAdbServer();

type Json = Record<string, any>;
const module = '$(find /system_dlkm -name kheaders.ko)';

async function asRoot({ phone, server }: Bench, command: string): Promise<void> {
  const { code, stderr, stdout } = await phone.root(server, command);
  assert.equal(code, 0, stderr + stdout);
}

/** Fails as the table says, in text and in JSON, and publishes nothing. */
async function assertRefused(
  bench: Bench,
  args: readonly string[],
  code: string,
  exit: number,
  text: RegExp,
): Promise<void> {
  const { kheaders } = bench;
  const plain = await kheaders('pull', ...args);
  assert.equal(plain.code, exit, plain.stderr);
  assert.ok(plain.stderr.includes(`[${code}]`), plain.stderr);
  assert.match(plain.stderr, text);
  const { error } = JSON.parse((await kheaders('pull', '--json', ...args)).stdout) as { error: Json };
  assert.deepEqual([error['code'], error['exitCode']], [code, exit]);
  assert.equal((await kheaders('list', '--json')).stdout, '');
}

phoneTest(
  'module-refused: EPERM, where loading is switched off',
  { layout: 'sys' },
  async (bench) => {
    await assertRefused(
      bench,
      ['--source', 'module'],
      'module-refused',
      23,
      /Not permitted: module loading is switched off/,
    );
    // Without that restriction the next source helps, and the step down is said aloud.
    const pulled = await bench.kheaders('pull');
    assert.equal(pulled.code, 0, pulled.stderr);
    assert.match(pulled.stderr, /refused to load the kheaders module \(EPERM\); trying the next source: carve/);
  },
  (bench) => asRoot(bench, 'echo 1 > /proc/sys/kernel/modules_disabled'),
);

phoneTest(
  'module-refused: ENOEXEC, where the file is damaged',
  { layout: 'sys' },
  (bench) =>
    assertRefused(bench, ['--source', 'module'], 'module-refused', 23, /The kernel does not take the file: damaged/),
  // The ELF header's machine field; .modinfo stays readable.
  (bench) => asRoot(bench, `printf '\\377\\377' | dd of=${module} bs=1 seek=18 conv=notrunc 2>/dev/null`),
);

phoneTest('module-refused: EKEYREJECTED, where signatures are enforced', { layout: 'sys', sigEnforce: true }, (bench) =>
  assertRefused(bench, ['--source', 'module'], 'module-refused', 23, /takes signed modules only/),
);

phoneTest(
  'module-refused: vermagic, where every copy is of another kernel',
  { layout: 'sys' },
  (bench) => assertRefused(bench, [], 'module-refused', 23, /built for another kernel than the one that runs/),
  ({ phone, ...bench }) =>
    asRoot(
      { phone, ...bench },
      // Same length, so that the file stays valid.
      `f=${module}; o=$(grep -abo 'vermagic=' $f | head -n 1 | cut -d: -f1); printf 9.9.9 | dd of=$f bs=1 seek=$((o+9)) conv=notrunc 2>/dev/null`,
    ),
);

phoneTest('headers-not-supported: the kernel’s own configuration is quoted', { layout: 'none' }, (bench) =>
  assertRefused(bench, [], 'headers-not-supported', 21, /\/proc\/config\.gz says: # CONFIG_IKHEADERS is not set/),
);

phoneTest(
  'headers-unknown: nothing found and no configuration to ask',
  { layout: 'none' },
  (bench) => assertRefused(bench, [], 'headers-unknown', 22, /\/proc\/config\.gz cannot be read/),
  (bench) => asRoot(bench, 'rmmod configs'),
);

phoneTest(
  'a module hidden from the plain shell is found by root',
  { layout: 'sys' },
  async ({ kheaders }) => {
    const json = JSON.parse((await kheaders('pull', '--json')).stdout) as Json;
    assert.equal(json['source'].kind, 'module');
  },
  (bench) => asRoot(bench, 'chmod 700 /system_dlkm'),
);

phoneTest('device-unauthorized: says what to confirm', { unauthorized: true }, (bench) =>
  assertRefused(bench, [], 'device-unauthorized', 5, /has not accepted this host's key/),
);

phoneTest(
  'read-refused: a live archive only root may read',
  { layout: 'builtin', su: 'none' },
  (bench) => assertRefused(bench, ['--root=none'], 'not-root', 20, /--root=none/),
  (bench) => asRoot(bench, 'chmod 400 /sys/kernel/kheaders.tar.xz'),
);

phoneTest(
  'no-device and ambiguous-device name the choices',
  [{ layout: 'sys' }, { layout: 'builtin' }],
  async (bench) => {
    const { kheaders, phones } = bench;
    const unknown = await kheaders('pull', '-s', 'nobody');
    assert.equal(unknown.code, 3, unknown.stderr);
    for (const { serial } of phones) assert.ok(unknown.stderr.includes(serial));
    const ambiguous = await bench.start('pull', '-e').done;
    assert.equal(ambiguous.code, 4, ambiguous.stderr);
    for (const { serial } of phones) assert.ok(ambiguous.stderr.includes(serial));
  },
);

phoneTest('disk-full: a full cache gets nothing, and the phone keeps nothing', { layout: 'sys' }, async (bench) => {
  const { kheaders, cache, phone } = bench;
  await mkdir(cache, { recursive: true });
  const mounted = await exec('mount', ['-t', 'tmpfs', '-o', 'size=12m,mode=0700', 'tmpfs', cache]);
  assert.equal(mounted.code, 0, `this test needs to mount a tmpfs: ${mounted.stderr}`);
  try {
    await assertRefused(bench, [], 'disk-full', 41, /Nothing was published/);
    assert.equal(await hasModule(phone), false);
  } finally {
    await exec('umount', [cache]);
  }
  assert.equal((await kheaders('pull')).code, 0, 'with room it works');
});

phoneTest('timeout: --timeout ends a pull that hangs', { layout: 'sys' }, async ({ phone, start }) => {
  await phone.freeze();
  try {
    const { code, stderr } = await start('pull', '--timeout', '1').done;
    assert.equal(code, 50, stderr);
    assert.match(stderr, /Not done within 1 s/);
  } finally {
    await phone.thaw();
  }
});

phoneTest('devices shows kernel, source and cache', { layout: 'sys' }, async ({ kheaders, phone, folder }) => {
  const before = await kheaders('devices');
  assert.match(before.stdout, new RegExp(`${phone.serial} +device .*${phone.release} +module \\(root\\) +no`));
  await kheaders('pull');
  const after = JSON.parse((await kheaders('devices', '--json')).stdout) as Json;
  assert.equal(after['cached'].release, phone.release);
  assert.equal(after['abi'], 'x86_64');
  // What was pulled can be carried elsewhere and comes back the same.
  const bundle = join(folder, 'phone.kheaders');
  assert.equal((await kheaders('export', phone.release, bundle)).code, 0);
  const elsewhere = await kheaders('import', bundle, '--cache', join(folder, 'other'), '--json');
  const imported = JSON.parse(elsewhere.stdout) as Json;
  assert.equal(imported['manifest'].provenance.serial, phone.serial);
});
