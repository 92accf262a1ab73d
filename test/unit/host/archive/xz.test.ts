import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decodeXz } from '../../../../host/src/archive/xz.js';
import { makeContext } from '../../../../host/src/core/context.js';
import { KhError } from '../../../../host/src/core/error.js';
import { chunksOf, compressXz } from '../../../support/archives.js';

const memoryLimit = 128 * 1024 * 1024;
const plain = Buffer.concat([randomBytes(200_000), Buffer.alloc(300_000, 'kernel headers ')]);
const packed = compressXz(plain, '-6'); // a dictionary of 8 MiB

async function decode(bytes: Buffer, chunk = 65536, limit = memoryLimit): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of decodeXz(chunksOf(bytes, chunk), { memoryLimit: limit }, makeContext())) parts.push(part);
  return Buffer.concat(parts);
}

async function drain(reading: AsyncGenerator<Buffer>): Promise<void> {
  while (!(await reading.next()).done);
}

/** Takes one buffer and leaves, as `break` in a loop does. */
async function readOne(reading: AsyncGenerator<Buffer>): Promise<void> {
  await reading.next();
  await reading.return(undefined);
}

const fails = (code: string, reason: string) => (error: unknown) =>
  error instanceof KhError && error.code === code && error.details.reason === reason;

for (const size of [7, 4096, 65536, 1 << 20]) {
  test(`decodeXz gives the plain bytes from chunks of ${size}`, async () => {
    assert.ok((await decode(size === 7 ? compressXz(plain.subarray(0, 3000)) : packed, size)).length > 0);
    assert.ok((await decode(packed, Math.max(size, 500))).equals(plain));
  });
}

for (const options of [['--check=crc32'], ['--check=sha256'], ['--check=none'], ['-0'], ['--block-size=65536']]) {
  test(`decodeXz accepts what xz ${options.join(' ')} writes`, async () => {
    assert.ok((await decode(compressXz(plain, ...options))).equals(plain));
  });
}

test('decodeXz accepts several streams and padding between and after them', async () => {
  const joined = Buffer.concat([packed, packed, Buffer.alloc(8), packed, Buffer.alloc(4)]);
  for (const size of [5000, 65536])
    assert.ok((await decode(joined, size)).equals(Buffer.concat([plain, plain, plain])));
});

for (const [name, keep] of [
  ['nothing', 0],
  ['one byte', 1],
  ['half a header', 6],
  ['the header', 12],
  ['half', packed.length >> 1],
  ['all but the footer', packed.length - 12],
  ['all but the last byte', packed.length - 1],
] as const) {
  test(`decodeXz refuses an archive of which ${name} is there`, async () => {
    await assert.rejects(decode(packed.subarray(0, keep)), fails('archive-corrupt', 'truncated'));
  });
}

test('decodeXz refuses what is not xz', async () => {
  await assert.rejects(decode(Buffer.from('\x1f\x8b gzip, say, and more of it')), fails('archive-corrupt', 'not-xz'));
});

test('decodeXz refuses every flipped bit it meets', async () => {
  for (const at of [7, 13, 30, 60_000, packed.length - 30, packed.length - 3]) {
    const damaged = Buffer.from(packed);
    damaged[at] = (damaged[at] ?? 0) ^ 0x10;
    await assert.rejects(decode(damaged), (error) => error instanceof KhError && error.code === 'archive-corrupt');
  }
});

test('decodeXz refuses junk and crooked padding behind the end, however the end falls into chunks', async () => {
  for (const tail of [Buffer.from('junk'), Buffer.alloc(3), Buffer.from('YZ'), packed.subarray(0, 20)]) {
    const bytes = Buffer.concat([packed, tail]);
    // chunks that end just before, inside and behind the footer's two last letters
    for (const size of [65536, packed.length - 1, packed.length, packed.length + 1]) {
      await assert.rejects(
        decode(bytes, size),
        (error) => error instanceof KhError && error.code === 'archive-corrupt',
      );
    }
  }
});

test('decodeXz refuses a dictionary above the memory limit', async () => {
  await assert.rejects(decode(packed, 65536, 1 << 20), fails('archive-refused', 'memory-limit'));
});

test('decodeXz hands on what the source throws', async () => {
  async function* broken() {
    yield packed.subarray(0, 1000);
    throw new KhError('device-lost', 'gone');
  }
  const reading = decodeXz(broken(), { memoryLimit }, makeContext());
  await assert.rejects(drain(reading), { code: 'device-lost' });
});

test('decodeXz reads no more than a slice ahead of its reader', async () => {
  const bytes = compressXz(randomBytes(1_000_000), '-0');
  let read = 0;
  async function* counted() {
    for await (const chunk of chunksOf(bytes, 10_000)) {
      read += chunk.length;
      yield chunk;
    }
  }
  const reading = decodeXz(counted(), { memoryLimit }, makeContext());
  await reading.next();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(read <= 150_000, `${read} bytes were read for the first buffer`);
  await reading.return();
});

test('decodeXz closes its source when its reader leaves', async () => {
  let closed = false;
  async function* held() {
    try {
      yield* chunksOf(packed, 1000);
    } finally {
      closed = true;
    }
  }
  await readOne(decodeXz(held(), { memoryLimit }, makeContext()));
  assert.equal(closed, true);
});

test('decodeXz settles at once when cancelled, though the source waits for ever', async () => {
  const abort = new AbortController();
  async function* stuck() {
    yield packed.subarray(0, 100_000);
    await new Promise(() => {});
  }
  const reading = decodeXz(stuck(), { memoryLimit }, makeContext({ signal: abort.signal }));
  setTimeout(() => abort.abort(), 20);
  await assert.rejects(drain(reading), { code: 'cancelled' });
});

const skip = process.platform !== 'linux' && 'the size of the address space is read from /proc';

test(
  'decodeXz frees the decoder when its reader leaves half-way, without waiting for garbage collection',
  { skip },
  async () => {
    const addressSpace = () =>
      Number(/^VmSize:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
    const big = compressXz(randomBytes(100_000), '-9'); // asks for a dictionary of 64 MiB
    const leave = async () => {
      await readOne(decodeXz(chunksOf(big), { memoryLimit }, makeContext()));
    };
    await leave();
    const before = addressSpace();
    for (let count = 0; count < 20; count++) await leave();
    assert.ok(addressSpace() - before < 640e6, `${addressSpace() - before} bytes more`);
  },
);
