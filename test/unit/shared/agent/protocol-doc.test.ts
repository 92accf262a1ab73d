import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FrameReader } from '../../../../shared/src/agent/frame-reader.js';
import { frameHeader, frameMagic, junkLimit, payloadLimit } from '../../../../shared/src/agent/frame.js';
import { messages, protocolVersion, unloadResults } from '../../../../shared/src/agent/messages.js';
import { wireCodes } from '../../../../shared/src/agent/wire-error.js';
import { goldenMessages } from '../../../golden/agent-messages.js';
import { formatMessage, toMessage } from '../../../golden/plain.js';
import { readGolden } from '../../../golden/read-golden.js';

const doc = readFileSync(new URL('../../../../docs/PROTOCOL.md', import.meta.url), 'utf8');

/** The cells of all rows of the tables between a line that begins so and the next such table's heading. */
function tableAfter(start: string): string[][] {
  const at = doc.indexOf(`\n${start}`);
  assert.ok(at >= 0, start);
  const lines = doc.slice(at).split('\n');
  const first = lines.findIndex((line) => line.startsWith('|---'));
  const length = lines.slice(first).findIndex((line) => !line.startsWith('|'));
  return lines.slice(first + 1, first + length).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim().replace(/^`(.*)`$/, '$1')),
  );
}

type Fields = readonly (readonly [name: string, type: string])[];

function parseFields(cell: string): Fields {
  return cell === ''
    ? []
    : cell.split(', ').map((part) => /^`(\w+)` ([\w ]+)$/.exec(part)!.slice(1) as [string, string]);
}

const tables = {
  messages: tableAfter('## Messages').map(([tag, name, fields]) => ({
    tag: Number(tag),
    name: name!,
    fields: parseFields(fields!),
  })),
  records: new Map(tableAfter('Records:').map(([name, fields]) => [name!, parseFields(fields!)])),
  result: tableAfter('The `result` of').map(([, word]) => word!),
  code: tableAfter('The `code` of').map(([, word]) => word!),
};

/** A reader of payloads that knows the tables of the page and nothing of the sources. */
class PageReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  fields(fields: Fields): unknown {
    return Object.fromEntries(fields.map(([name, type]) => [name, this.#value(type)]));
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  #take(length: number): Buffer {
    assert.ok(length <= this.left, 'cut');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #value(type: string): unknown {
    if (type.startsWith('list of ')) {
      const item = type.slice('list of '.length);
      return Array.from({ length: this.#take(4).readUInt32LE() }, () => this.#value(item));
    }
    const record = tables.records.get(type);
    if (record !== undefined) return this.fields(record);
    const read = this.#readers[type];
    assert.ok(read, `no such type: ${type}`);
    return read();
  }

  readonly #readers: Readonly<Record<string, () => unknown>> = {
    u8: () => this.#take(1).readUInt8(),
    u32: () => this.#take(4).readUInt32LE(),
    u64: () => Number(this.#take(8).readBigUInt64LE()),
    flag: () => [false, true][this.#take(1).readUInt8()],
    text: () => this.#take(this.#take(4).readUInt32LE()).toString('utf8'),
    result: () => tables.result[this.#take(1).readUInt8()],
    code: () => tables.code[this.#take(1).readUInt8()],
    bytes: () => this.#take(this.left),
  };
}

test('PROTOCOL.md has every message with its tag, and no other', () => {
  assert.deepEqual(
    tables.messages.map(({ name, tag }) => [name, tag]),
    Object.entries(messages).map(([name, { tag }]) => [name, tag]),
  );
});

test('PROTOCOL.md has every error code and unload result with its number', () => {
  assert.deepEqual(
    tableAfter('The `code` of').map(([number, word]) => [number, word]),
    wireCodes.map((word, at) => [String(at), word]),
  );
  assert.deepEqual(
    tableAfter('The `result` of').map(([number, word]) => [number, word]),
    unloadResults.map((word, at) => [String(at), word]),
  );
});

test('PROTOCOL.md says enough to decode every golden file', () => {
  for (const { key, plain, frame } of readGolden()) {
    const bytes = Buffer.from(frame);
    const { name, fields } = tables.messages.find(({ tag }) => tag === bytes[4])!;
    const reader = new PageReader(bytes.subarray(9));
    const found = { name, id: bytes.readUInt32LE(5), body: reader.fields(fields) };
    assert.equal(formatMessage(found as never), formatMessage(toMessage(plain)), key);
    assert.equal(reader.left, 0, key);
    assert.equal(bytes.readUInt32LE(0), bytes.length - 9, key);
  }
});

test('PROTOCOL.md has the version and the limits', () => {
  assert.ok(doc.startsWith(`# The agent's protocol, version ${protocolVersion}\n`));
  const limits = new Map(tableAfter('## Limits').map(([what, value]) => [what, parseInt(value!)]));
  assert.equal(limits.get('payload'), payloadLimit);
  assert.equal(limits.get('junk before the magic'), junkLimit);
  assert.match(doc, new RegExp(`\n 0 {15}4 {5}5 {15}${frameHeader}\n`));
});

test('PROTOCOL.md has the limits of text and list, as a reader sees them', () => {
  const limits = new Map(tableAfter('## Limits').map(([what, value]) => [what, parseInt(value!)]));
  for (const [tag, what] of [
    [75, 'text'],
    [65, 'list'],
  ] as const) {
    const limit = limits.get(what)!;
    assert.match(refusalOf(tag, limit), /cut off/, what);
    assert.doesNotMatch(refusalOf(tag, limit + 1), /cut off/, what);
  }
});

/** What a reader says to a payload that is a length alone. */
function refusalOf(tag: number, length: number): string {
  const frame = Buffer.from([4, 0, 0, 0, tag, 0, 0, 0, 0, 0, 0, 0, 0]);
  frame.writeUInt32LE(length, 9);
  try {
    new FrameReader().push(Buffer.concat([Buffer.from(frameMagic), frame]));
  } catch (error) {
    return String(error);
  }
  return assert.fail('no refusal');
}

test('PROTOCOL.md has an example that is hello', () => {
  const block = /```hex\n([^]*?)```/.exec(doc)?.[1] ?? '';
  const digits = block.split('\n').map((line) => /^((?:[0-9a-f]{2} )*[0-9a-f]{2})?/.exec(line)![0].replaceAll(' ', ''));
  const [message, ...others] = new FrameReader().push(Buffer.from(digits.join(''), 'hex'));
  assert.deepEqual(others, []);
  assert.deepEqual(message, goldenMessages['hello']);
});
