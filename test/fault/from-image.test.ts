import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startScriptedServer } from '../support/adb-server-script.js';
import {
  type KernelParts,
  banner,
  buildKernel,
  cannotBuild,
  makeBootImage,
  makeSymbols,
} from '../support/kernel-image.js';
import { listPublished, makeHost, parseJsonLines, runCli } from '../support/run-cli.js';
import { makeModule } from '../support/session.js';
import { testFailure } from './support/expect-failure.js';
import { archive, phone, release } from './support/phone-script.js';

const folder = mkdtempSync(join(tmpdir(), 'kheaders-fault-'));
after(() => rmSync(folder, { recursive: true }));

/** Files are made once: linking a kernel takes a compiler, which this folder of tests does without otherwise. */
function place(name: string, bytes: Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const empty = Buffer.alloc(0);
const make = (parts: KernelParts): Buffer => (cannotBuild ? empty : buildKernel(parts).image);
const whole = place('boot.img', makeBootImage(4, gzipSync(make({ banner, archive, symbols: makeSymbols() }))));
const configured = place('configured', make({ banner, archive, config: 'CONFIG_A=y\n' }));
const without = place('Image', make({ banner, config: 'CONFIG_IKHEADERS=m\n' }));
const contrary = place('contrary', make({ banner: banner.replace(release, '6.1.26-other'), archive }));
const module = place('kheaders.ko', makeModule(archive, release));
const sameKernel = { probe: { version: [banner] } };

testFailure({
  name: 'an image of another build of the same release',
  args: ['pull', '--from-image', whole],
  server: { devices: [phone({ probe: { version: [banner.replace('#1', '#2')] } })] },
  code: 'release-mismatch',
  exit: 32,
  says: [`/proc/version: ${banner.replace('#1', '#2')}`, `The image: ${banner}`, 'shell cat /proc/version'],
  details: { reason: 'image-banner', serial: 'PHONE1', actual: banner },
});

testFailure({
  name: 'an image with the same banner and another configuration',
  args: ['pull', '--from-image', configured],
  server: { devices: [phone(sameKernel)] },
  code: 'release-mismatch',
  exit: 32,
  says: ['their configurations differ', 'a'.repeat(64), 'shell zcat /proc/config.gz'],
  details: { reason: 'image-config', expected: 'a'.repeat(64) },
});

testFailure({
  name: 'a module, which has no banner',
  args: ['pull', '--from-image', module],
  server: { devices: [phone(sameKernel)] },
  code: 'release-mismatch',
  exit: 32,
  says: ['does not say which kernel it is of', banner],
  details: { reason: 'no-banner', serial: 'PHONE1' },
});

testFailure({
  name: 'an image without headers',
  args: ['pull', '--from-image', without],
  server: { devices: [phone(sameKernel)] },
  code: 'archive-refused',
  exit: 31,
  says: ['The Image holds no kernel headers', 'CONFIG_IKHEADERS=m', 'next: kheaders import kheaders.ko'],
  details: { reason: 'no-headers', configLine: 'CONFIG_IKHEADERS=m' },
});

testFailure({
  name: 'an image whose headers are of another kernel',
  args: ['import', contrary],
  code: 'release-mismatch',
  exit: 32,
  says: [`The file is of 6.1.26-other, the headers in it are of ${release}`, 'Nothing was published'],
  details: { reason: 'image-headers', expected: '6.1.26-other', actual: release },
});

test('kheaders pull --from-image loads nothing, says where the headers are from, and the next pull is a hit', async (t) => {
  const fail = (): never => assert.fail('the phone was asked for more than who it is');
  const server = await startScriptedServer(t, {
    devices: [phone({ ...sameKernel, onTransfer: fail, onSu: fail, onAgent: fail, onInstall: fail })],
  });
  const host = await makeHost(t, server.port);
  const pulled = await runCli(t, host, ['pull', '--from-image', whole, '--json']);
  assert.equal(pulled.code, 0, pulled.stderr);
  const [json] = parseJsonLines(pulled.stdout) as [any];
  assert.deepEqual([json.how, json.release, json.serial], ['image', release, 'PHONE1']);
  assert.deepEqual(json.phone, { loaded: false, unloaded: 'none', asFound: true });
  assert.deepEqual([json.source.kind, json.source.carvedFrom], ['file', 'boot.img v4, gzip, Image']);
  assert.equal((await listPublished(host)).length, 1);
  const shown = await runCli(t, host, ['show', release, '--json']);
  const { provenance, identity, machine } = (parseJsonLines(shown.stdout) as [any])[0].manifest;
  assert.deepEqual([provenance.serial, provenance.procVersion, machine], ['PHONE1', banner, 'aarch64']);
  assert.equal(identity.procVersion, banner);
  const again = await runCli(t, host, ['pull', '--json']);
  assert.equal((parseJsonLines(again.stdout) as [any])[0].how, 'cached');
});

test('kheaders pull --from-image takes an image with the configuration of the phone', async (t) => {
  const config = gzipSync('CONFIG_A=y\n');
  const digests = [`${createHash('sha256').update(config).digest('hex')}  /proc/config.gz`];
  const server = await startScriptedServer(t, { devices: [phone({ probe: { version: [banner], '': digests } })] });
  const pulled = await runCli(t, await makeHost(t, server.port), ['pull', '--from-image', configured]);
  assert.equal(pulled.code, 0, pulled.stderr);
});
