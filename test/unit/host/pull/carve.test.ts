import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { isKhError } from '../../../../host/src/core/error.js';
import { carveFrom } from '../../../../host/src/pull/carve.js';
import { makeContext } from '../../../../host/src/core/context.js';
import { chunksOf, compressXz } from '../../../support/archives.js';
import { makeModule } from '../../../support/session.js';
import { archive, release } from '../../../fault/support/phone-script.js';

const module = makeModule(archive, release);

async function carve(bytes: Buffer, pieceBytes = 100): Promise<Buffer> {
  const chunks = [];
  for await (const chunk of await carveFrom(chunksOf(bytes, pieceBytes), release, makeContext()))
    chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

test('carveFrom yields the archive of a module, also of a compressed one', async () => {
  assert.ok(archive.equals(await carve(module)));
  assert.ok(archive.equals(await carve(gzipSync(module), 1)));
  assert.ok(archive.equals(await carve(compressXz(module))));
});

test('carveFrom refuses a module of another kernel by its vermagic', async () => {
  await assert.rejects(carve(makeModule(archive, `${release}-other`)), {
    code: 'module-refused',
    details: { reason: 'vermagic', expected: release, actual: `${release}-other` },
  });
  await assert.rejects(carve(makeModule(archive, 'a b')), {
    details: { reason: 'vermagic', expected: release, actual: 'a' },
  });
});

test('carveFrom: whatever is wrong with the file is a refusal of the module', async () => {
  const reasons: Record<string, unknown> = {};
  for (const [name, bytes] of Object.entries({
    empty: Buffer.alloc(0),
    text: Buffer.from('no module'),
    cut: module.subarray(0, 300),
    'no archive': makeModule(Buffer.from('not an archive'), release),
    xz: archive,
    bzip2: Buffer.from('BZh91AY&SY'),
    gzip: gzipSync(module).subarray(0, 50),
  })) {
    reasons[name] = await carve(bytes).catch(
      (error: unknown) => isKhError(error) && [error.code, error.details.reason],
    );
  }
  assert.deepEqual(reasons, {
    empty: ['module-refused', 'not-elf'],
    text: ['module-refused', 'not-elf'],
    cut: ['module-refused', 'elf-truncated'],
    'no archive': ['module-refused', 'not-xz'],
    xz: ['module-refused', 'not-elf'],
    bzip2: ['module-refused', 'compression'],
    gzip: ['module-refused', 'damaged'],
  });
});

test('carveFrom passes on the failure of the connection', async () => {
  const failure = new Error('cable');
  async function* broken(): AsyncGenerator<Buffer> {
    yield module.subarray(0, 10);
    throw failure;
  }
  await assert.rejects(carveFrom(broken(), release, makeContext()), failure);
});
