import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pack } from 'tar-stream';

/** A member of an archive under construction. Anything not given is what GNU tar would write. */
export interface Member {
  readonly path: string;
  /** The type flag: `0` file, `1` hard link, `2` symlink, `5` directory, `3` device, … */
  readonly flag?: string;
  readonly mode?: number;
  readonly linkTarget?: string;
  readonly content?: string | Buffer;
  /** What the header claims instead of the content's length. */
  readonly size?: number;
  /** `posix` uses the prefix field for the directory of a long path. */
  readonly format?: 'gnu' | 'posix';
}

export const file = (path: string, content: string | Buffer = 'x\n', mode = 0o644): Member => ({ path, content, mode });
export const directory = (path: string): Member => ({ path, flag: '5', mode: 0o755 });
export const symlink = (path: string, linkTarget: string): Member => ({ path, flag: '2', linkTarget, mode: 0o777 });

/** A tree like a kheaders archive's, small. */
export const smallTree: readonly Member[] = [
  directory('./'),
  directory('./include/'),
  directory('./include/generated/'),
  file('./include/generated/utsrelease.h', '#define UTS_RELEASE "6.1.25-android14-11"\n'),
  directory('./include/linux/'),
  file('./include/linux/kconfig.h', '#pragma once\n'),
  symlink('./include/linux/alias.h', 'kconfig.h'),
  directory('./arch/'),
  directory('./arch/arm64/'),
  file('./arch/arm64/run.sh', '#!/bin/sh\n', 0o755),
];

/** The two blocks of zeros that end an archive. */
export const tarEnd = Buffer.alloc(1024);

/** Header and padded content of one member, byte by byte: also what no packer would write. */
export function tarMember(member: Member): Buffer {
  const content = Buffer.from(member.content ?? '');
  const header = Buffer.alloc(512);
  const cut = member.format === 'posix' ? member.path.lastIndexOf('/', 154) : -1;
  header.write(member.path.slice(cut + 1), 0, 100);
  if (cut > 0) header.write(member.path.slice(0, cut), 345, 155);
  header.write(`${(member.mode ?? 0o644).toString(8).padStart(7, '0')}\0${'0000000\0'.repeat(2)}`, 100);
  header.write(`${(member.size ?? content.length).toString(8).padStart(11, '0')}\0${'0'.repeat(11)}\0`, 124);
  header.write(member.flag ?? '0', 156);
  header.write(member.linkTarget ?? '', 157, 100);
  header.write(member.format === 'posix' ? 'ustar\x0000' : 'ustar  \0', 257, 'latin1');
  return Buffer.concat([sealHeader(header), content, Buffer.alloc(-content.length & 511)]);
}

/** Puts the right checksum into a header that was changed. */
export function sealHeader(header: Buffer): Buffer {
  header.fill(' ', 148, 156);
  const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

export function makeTar(members: readonly Member[]): Buffer {
  return Buffer.concat([...members.map(tarMember), tarEnd]);
}

/** A pax record with its own length in front. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest);
  while (String(length).length + Buffer.byteLength(rest) !== length) {
    length = String(length).length + Buffer.byteLength(rest);
  }
  return `${length}${rest}`;
}

/** The same archive by an independent packer. */
export async function packWithTarStream(members: readonly Member[]): Promise<Buffer> {
  const packer = pack();
  for (const { path, flag, mode, linkTarget, content } of members) {
    const type = flag === '5' ? 'directory' : flag === '2' ? 'symlink' : 'file';
    const header = { name: path, type, mode: mode ?? 0o644 } as const;
    packer.entry(linkTarget === undefined ? header : { ...header, linkname: linkTarget }, content ?? '');
  }
  packer.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Compresses with the xz program: its own choice, -6, needs 94 MB and takes five times as long for what is small. */
export function compressXz(plain: Buffer, ...options: string[]): Buffer {
  return execFileSync('xz', ['--stdout', '-0', ...options], { input: plain, maxBuffer: 1 << 30 });
}

/** Compresses many at one go, by files in an empty folder: a program for each would take most of a test's time. */
export function compressAll(folder: string, plain: readonly Buffer[]): readonly Buffer[] {
  const paths = plain.map((_bytes, index) => join(folder, String(index)));
  for (const [index, path] of paths.entries()) writeFileSync(path, plain[index]!);
  execFileSync('xz', ['-0', ...paths]);
  return paths.map((path) => readFileSync(`${path}.xz`));
}

export async function* chunksOf(bytes: Buffer, size = 65536): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Whole numbers from 0 up to a bound, the same ones for the same seed (mulberry32). */
export function makeRandom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
