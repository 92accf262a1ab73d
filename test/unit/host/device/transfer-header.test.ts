import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  TransferRefusal,
  parseTransferHeader,
  readTransferHeader,
} from '../../../../host/src/device/transfer-header.js';
import { chunksOf } from '../../../support/archives.js';
import { headerText, modulePath } from '../../../fault/support/phone-script.js';

const payload = Buffer.from('\xfd7zXZ\0 \n\n payload', 'latin1');
const good = { path: modulePath, size: 99, loaded: true, before: ['binder'] };
const text = headerText({ size: '99' });

async function read(bytes: Buffer, pieceBytes: number): ReturnType<typeof readTransferHeader> {
  return readTransferHeader(chunksOf(bytes, pieceBytes));
}

test('readTransferHeader returns the header and not one byte of payload less, wherever it is split', async () => {
  const chatter = ['', 'WARNING: linker: x\n', '\n\n', 'banner\n\nkheaders-transfe\n\n', '\xff\xfe\n\n'];
  for (const front of chatter) {
    const bytes = Buffer.concat([Buffer.from(front, 'latin1'), Buffer.from(text), payload]);
    for (let pieceBytes = 1; pieceBytes <= bytes.length; pieceBytes++) {
      const source = chunksOf(bytes, pieceBytes);
      const { header, rest } = await readTransferHeader(source);
      assert.deepEqual(header, good);
      const parts = [rest];
      for await (const chunk of source) parts.push(chunk);
      assert.deepEqual(Buffer.concat(parts), payload, JSON.stringify([front, pieceBytes]));
    }
  }
});

test('readTransferHeader: an end, a flood or a strange answer is no header', async () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('sh: no\n\n'), Buffer.from(text.slice(0, -1))]) {
    await assert.rejects(read(bytes, 4096), (error: { code: string; details: { output: string; reason: string } }) => {
      assert.equal(error.code, 'device-failed');
      assert.equal(error.details.reason, 'no-header');
      return error.details.output.length <= 1000;
    });
  }
});

test('readTransferHeader gives up on a phone that talks for ever', async () => {
  async function* flood(): AsyncGenerator<Buffer> {
    for (let kilobytes = 0; kilobytes < 1024; kilobytes += 4) yield Buffer.alloc(4096, 'x\n');
    assert.fail('it reads on');
  }
  await assert.rejects(readTransferHeader(flood()), { code: 'device-failed' });
});

test('readTransferHeader names a pty by what it does to line ends', async () => {
  const bytes = Buffer.from(`${text.replaceAll('\n', '\r\n')}${payload.toString('latin1')}`, 'latin1');
  await assert.rejects(read(bytes, 7), (error: { details: { reason: string } }) => error.details.reason === 'pty');
});

test('parseTransferHeader reads fields in any order; what is not there is not so', () => {
  assert.deepEqual(parseTransferHeader(text), good);
  const lines = ['kheaders-transfer 1', 'size=1', 'unknown=x', 'path=/proc/kheaders.tar.xz'].join('\n');
  assert.deepEqual(parseTransferHeader(lines), { path: '/proc/kheaders.tar.xz', size: 1, loaded: false, before: [] });
});

test('parseTransferHeader throws the refusal of the phone, cut to a length', () => {
  for (const [kind, detail] of [
    ['load', 'a = b'],
    ['vermagic', ''],
    ['read', 'x'.repeat(5000)],
  ] as const) {
    const refusal = `kheaders-transfer 1\nbefore=x\nerror=${kind}\ndetail=${detail}`;
    assert.throws(
      () => parseTransferHeader(refusal),
      (error) => {
        assert.ok(error instanceof TransferRefusal);
        assert.deepEqual([error.kind, error.detail], [kind, detail.slice(0, 1000)]);
        return true;
      },
    );
  }
});

test('parseTransferHeader refuses impossible sizes', () => {
  const limit = 256 * 1024 * 1024;
  assert.equal(parseTransferHeader(headerText({ size: String(limit) })).size, limit);
  for (const size of [
    '',
    '0',
    '-1',
    '1.5',
    '1e9',
    ' 1',
    '0x10',
    'NaN',
    'Infinity',
    String(limit + 1),
    '9'.repeat(400),
  ]) {
    assert.throws(() => parseTransferHeader(headerText({ size })), { code: 'device-failed' }, size);
  }
});

test('parseTransferHeader refuses paths that are none', () => {
  for (const path of ['', 'kheaders.ko', '/a b', '/x\x1b[31m', "/'", '/$(id)', `/${'x'.repeat(600)}`]) {
    assert.throws(() => parseTransferHeader(headerText({ path })), { code: 'device-failed' }, path);
  }
});
