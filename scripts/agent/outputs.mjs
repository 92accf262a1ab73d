// device-agent/dist: the files that are built, agents.json, and in .build what each was made of.
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { abis } from './abis.mjs';
import { root } from './program.mjs';

const dist = join(root, 'device-agent/dist');
const notes = join(dist, '.build');
const digests = join(dist, 'agents.json');

async function writeWhole(path, content, mode = 0o644) {
  const staged = `${path}.${process.pid}`;
  await writeFile(staged, content, { mode });
  await rename(staged, path);
}

function digestOf(content) {
  return { sha256: createHash('sha256').update(content).digest('hex'), size: content.length };
}

/** The note on an output, if that is still what was built. */
async function readNote(name) {
  try {
    const [note, file] = await Promise.all([readFile(join(notes, `${name}.json`), 'utf8'), readFile(join(dist, name))]);
    const parsed = JSON.parse(note);
    return parsed.sha256 === digestOf(file).sha256 ? parsed : undefined;
  } catch {
    return undefined;
  }
}

export async function isCurrent({ name, key }) {
  return (await readNote(name))?.key === key;
}

/** Puts a file there. `build` names the sources, `key` those and the tools. */
export async function putOutput({ name, key, build }, file) {
  await mkdir(notes, { recursive: true });
  const content = await readFile(file);
  const digest = digestOf(content);
  await writeWhole(join(dist, name), content, 0o755);
  await writeWhole(join(notes, `${name}.json`), JSON.stringify({ key, build, ...digest }));
  console.error(`build-agent: device-agent/dist/${name}, ${Math.ceil(digest.size / 1024)} KB, sha256 ${digest.sha256}`);
}

/** The JavaScript that the lines of stack traces are of. */
export async function putModule(name, module) {
  await mkdir(notes, { recursive: true });
  await writeWhole(join(notes, `${name}.js`), module);
}

/** Where agents.json is, the files are those it tells of: it goes before the first of them does. */
export async function dropDigests() {
  await rm(digests, { force: true });
}

/** agents.json tells the agents of this build. One that was built from other sources goes. */
export async function putDigests(build) {
  const agents = {};
  for (const name of Object.keys(abis).sort()) {
    const note = await readNote(name);
    if (note?.build === build) agents[name] = { sha256: note.sha256, size: note.size };
    else await Promise.all([join(dist, name), join(notes, `${name}.json`)].map((path) => rm(path, { force: true })));
  }
  const text = `${JSON.stringify({ agents, build }, undefined, 2)}\n`;
  if ((await readFile(digests, 'utf8').catch(() => '')) !== text) await writeWhole(digests, text);
}
