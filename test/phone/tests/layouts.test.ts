import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PhoneOptions } from '../phone.js';
import { assertSameAsTar } from './compare.js';
import { hasModule, phoneTest, useAdbServer } from './phone-test.js';

useAdbServer();

interface Expectation {
  readonly source: string;
  readonly layout: string;
  readonly modulePath?: RegExp;
}

const table: readonly (readonly [PhoneOptions, Expectation])[] = [
  [{ layout: 'sys' }, { source: 'module', layout: 'headers', modulePath: /^\/system_dlkm\// }],
  [{ layout: 'proc' }, { source: 'module', layout: 'headers', modulePath: /^\/vendor\/lib\/modules\/kheaders\.ko$/ }],
  [{ layout: 'legacy' }, { source: 'module', layout: 'legacy', modulePath: /^\/lib\/modules\// }],
  [{ layout: 'builtin' }, { source: 'live', layout: 'headers', modulePath: /^\/sys\/kernel\/kheaders\.tar\.xz$/ }],
  [
    { layout: 'sys', arch: 'arm64' },
    { source: 'module', layout: 'headers', modulePath: /^\/system_dlkm\// },
  ],
];

for (const [options, expected] of table) {
  const name = `${options.arch ?? 'x86_64'} ${options.layout ?? 'sys'}`;
  phoneTest(`pull on ${name} gives the tree tar makes of the archive built in`, options, async (bench) => {
    const { phone, kheaders, folder } = bench;
    const pulled = await kheaders('pull');
    assert.equal(pulled.code, 0, pulled.stderr);
    assert.equal(pulled.stderr, '', 'nothing is drawn where stderr is no terminal');
    const headers = pulled.stdout.trimEnd();
    assert.equal(pulled.stdout, `${headers}\n`, 'one line: the path');
    await assertSameAsTar(headers, phone.archivePath!, folder);

    const manifest = JSON.parse(await readFile(join(headers, '..', 'manifest.json'), 'utf8')) as Record<string, any>;
    assert.equal(manifest['release'], phone.release);
    assert.equal(manifest['source'].kind, expected.source);
    assert.equal(manifest['layout'], expected.layout);
    assert.match(manifest['source'].devicePath as string, expected.modulePath!);
    assert.equal(manifest['provenance'].serial, phone.serial);

    const json = JSON.parse((await kheaders('pull', '--json')).stdout) as Record<string, unknown>;
    assert.equal(json['how'], 'cached');
    assert.equal(json['headers'], headers);
  });
}

phoneTest('pull on builtin never unloads what it did not load', { layout: 'builtin' }, async ({ phone, kheaders }) => {
  assert.equal((await kheaders('pull')).code, 0);
  assert.equal((await kheaders('pull', '--force')).code, 0);
  assert.ok(await hasModule(phone));
});

phoneTest(
  'pull leaves a module that somebody else loaded',
  { layout: 'sys' },
  async ({ phone, kheaders }) => {
    const pulled = JSON.parse((await kheaders('pull', '--json')).stdout) as Record<string, any>;
    assert.equal(pulled['source'].kind, 'live');
    assert.equal(pulled['phone'].loaded, false);
    assert.ok(await hasModule(phone));
  },
  async ({ phone, server }) => {
    const path = `/system_dlkm/lib/modules/${phone.release}/kernel/kernel/kheaders.ko`;
    assert.equal((await phone.root(server, `insmod ${path}`)).code, 0);
  },
);

phoneTest(
  'two kernels with one release live side by side',
  // The kernel is one and the same; an update of the phone that keeps the release shows in its fingerprint.
  [
    { layout: 'sys' },
    { layout: 'legacy', kernelArgs: ['prop.ro.build.fingerprint=virtual/phone/phone:11/RP1A/2:user/x'] },
  ],
  async ({ phones, kheaders }) => {
    assert.equal(phones[0]!.release, phones[1]!.release);
    const paths = [];
    for (const { serial } of phones) paths.push((await kheaders('pull', '-s', serial)).stdout.trim());
    assert.notEqual(paths[0], paths[1]);
    // Each still gets its own from the cache.
    for (const [index, { serial }] of phones.entries()) {
      const again = JSON.parse((await kheaders('pull', '-s', serial, '--json')).stdout) as Record<string, unknown>;
      assert.deepEqual([again['how'], again['headers']], ['cached', paths[index]]);
    }
    const listed = (await kheaders('list', '--json')).stdout.trim().split('\n');
    assert.equal(listed.length, 2);
  },
);
