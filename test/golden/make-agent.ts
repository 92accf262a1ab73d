// node --import tsx test/golden/make-agent.ts : writes test/golden/agent/*.bin from agent-messages.ts. Run by hand, when
// the protocol changes on purpose; no test runs it. A file that changes means another protocolVersion.
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { encodeFrame } from '../../shared/src/agent/frame.js';
import { goldenMessages } from './agent-messages.js';
import { toMessage } from './plain.js';

const folder = new URL('agent/', import.meta.url);
const stale = new Set((await readdir(folder)).filter((name) => name.endsWith('.bin')));
for (const [key, plain] of Object.entries(goldenMessages)) {
  const name = `${key}.bin`;
  const file = new URL(name, folder);
  const before = stale.delete(name) ? await readFile(file) : undefined;
  const bytes = encodeFrame(toMessage(plain));
  if (before?.equals(bytes) === true) continue;
  await writeFile(file, bytes);
  console.log(`${before === undefined ? 'new' : 'CHANGED: raise protocolVersion'}: ${name}`);
}
for (const name of stale) {
  await rm(new URL(name, folder));
  console.log(`deleted: ${name}`);
}
console.log(`${Object.keys(goldenMessages).length} files in ${fileURLToPath(folder)}`);
