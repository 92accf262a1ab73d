import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A fenced block of a guide that a reader acts on: ```sh is typed, one with `file=NAME` is saved under that name. */
export interface GuideBlock {
  readonly kind: 'sh' | 'file';
  /** Of a `file` block. */
  readonly name?: string;
  /** Of the block's first line in the guide, from 1. */
  readonly line: number;
  readonly text: string;
}

const fence = /^( *)(`{3,}|~{3,})[ \t]*([^`\n]*)$/;

/** The blocks of a guide in their order. Blocks of other languages are only to be read. Throws for a fence left open. */
export function parseGuide(text: string): readonly GuideBlock[] {
  const blocks: GuideBlock[] = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const [, indent = '', ticks, info = ''] = fence.exec(lines[at] ?? '') ?? [];
    if (ticks === undefined) continue;
    const end = lines.findIndex((line, index) => index > at && line.trim() === ticks);
    if (end < 0) throw new Error(`the fence of line ${at + 1} is left open`);
    const body = lines.slice(at + 1, end).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
    blocks.push(...makeBlock(info.trim(), at + 2, body.map((line) => `${line}\n`).join('')));
    at = end;
  }
  return blocks;
}

function makeBlock(info: string, line: number, text: string): readonly GuideBlock[] {
  const name = /(?:^|\s)file=(\S+)/.exec(info)?.[1];
  if (name !== undefined) {
    if (!/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(name)) throw new Error(`line ${line - 1}: file=${name} is no plain name`);
    return [{ kind: 'file', name, line, text }];
  }
  return info === 'sh' ? [{ kind: 'sh', line, text }] : [];
}

/** One script of all `sh` blocks; before each it writes the number of its line to descriptor 3, at the end `end`. */
export function formatGuideScript(blocks: readonly GuideBlock[]): string {
  const parts = blocks.map(({ line, text }) => `echo ${line} >&3\n${text}`);
  return `${parts.join('\n')}\necho end >&3\n`;
}

export interface GuideRun {
  /** Empty; where the reader is. `file` blocks are saved here before the first command. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Runs a guide as it is written: all its `sh` blocks, in their order, in one shell that stops at the first failure, a part
 * of a pipe included. Returns all they printed, both streams. Throws with the line of the block that failed; also where the
 * blocks are no POSIX shell, or end the shell early.
 */
export async function runGuide(path: string, { folder, env }: GuideRun): Promise<string> {
  const blocks = parseGuide(await readFile(path, 'utf8'));
  for (const { kind, name = '', text } of blocks) if (kind === 'file') await writeFile(join(folder, name), text);
  const typed = blocks.filter(({ kind }) => kind === 'sh');
  if (typed.length === 0) throw new Error(`${path} has no \`\`\`sh block`);
  const [script, log, marks] = ['sh', 'log', 'marks'].map((ending) => `${folder}.${ending}`) as [
    string,
    string,
    string,
  ];
  await writeFile(script, formatGuideScript(typed));
  await promisify(execFile)('dash', ['-n', script]);
  const code = await runScript(script, { folder, env, log, marks });
  const [output, reached] = [await readFile(log, 'utf8'), (await readFile(marks, 'utf8')).trim().split('\n').at(-1)];
  if (code === 0 && reached === 'end') return output;
  const failed = typed.find(({ line }) => String(line) === reached);
  throw new Error(`${path}:${reached}: the guide ended with code ${code} in\n${failed?.text}\n${output.slice(-6000)}`);
}

interface ScriptRun extends GuideRun {
  readonly log: string;
  readonly marks: string;
}

async function runScript(script: string, { folder, env, log, marks }: ScriptRun): Promise<number | null> {
  await using output = await open(log, 'w');
  await using progress = await open(marks, 'w');
  const stdio = ['ignore', output.fd, output.fd, progress.fd] as const;
  const child = spawn('bash', ['-e', '-o', 'pipefail', script], { cwd: folder, env, stdio: [...stdio] });
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
}
