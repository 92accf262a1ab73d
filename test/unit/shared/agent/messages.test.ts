import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameReader } from '../../../../shared/src/agent/frame-reader.js';
import { encodeFrame, frameMagic } from '../../../../shared/src/agent/frame.js';
import {
  type Message,
  type MessageName,
  findMessageName,
  messages,
  protocolVersion,
  unloadResults,
} from '../../../../shared/src/agent/messages.js';
import { wireCodes } from '../../../../shared/src/agent/wire-error.js';
import { goldenMessages } from '../../../golden/agent-messages.js';
import { listGoldenFiles } from '../../../golden/read-golden.js';

function sendAndReceive(message: Message): Message[] {
  const reader = new FrameReader();
  reader.push(Buffer.from(frameMagic));
  return reader.push(encodeFrame(message));
}

test('messages have tags of their own, requests below 64', () => {
  const tags = Object.values(messages).map(({ tag }) => tag);
  assert.equal(new Set<number>(tags).size, tags.length);
  const requests = tags.filter((tag) => tag < 64);
  assert.deepEqual(
    requests,
    Array.from(requests, (_tag, at) => at + 1),
  );
  const replies = tags.filter((tag) => tag >= 64);
  assert.deepEqual(
    replies,
    Array.from(replies, (_tag, at) => at + 64),
  );
});

test('findMessageName knows the tags of messages and no others', () => {
  const tags = new Map<number, string>(Object.entries(messages).map(([name, { tag }]) => [tag, name]));
  for (let tag = 0; tag < 256; tag += 1) assert.equal(findMessageName(tag), tags.get(tag), `tag ${tag}`);
});

test('messages have a golden file each, and no file is left over', () => {
  assert.deepEqual(listGoldenFiles().sort(), Object.keys(goldenMessages).sort());
  for (const [key, { name }] of Object.entries(goldenMessages)) assert.equal(key.split('-')[0], name);
  const covered = new Set<MessageName>(Object.values(goldenMessages).map(({ name }) => name));
  assert.deepEqual([...covered].sort(), Object.keys(messages).sort());
});

test('protocolVersion is that of the golden files', () => {
  const { hello } = goldenMessages;
  assert.ok(hello?.name === 'hello');
  assert.equal(hello.body.protocol, protocolVersion);
});

test('messages carry every error code and every unload result', () => {
  for (const code of wireCodes) {
    const message: Message = { name: 'error', id: 1, body: { code, errno: 5, path: '/p', detail: 'd' } };
    assert.deepEqual(sendAndReceive(message), [message]);
  }
  for (const unload of unloadResults) {
    const message: Message = { name: 'released', id: 1, body: { unload, detail: '', after: [] } };
    assert.deepEqual(sendAndReceive(message), [message]);
  }
});
