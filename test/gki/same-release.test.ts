import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assertSameAsTar } from '../phone/tests/compare.js';
import { makeTree } from './build-probe.js';
import { type Bench, phoneTest, useAdbServer } from '../phone/tests/phone-test.js';

useAdbServer();

type Json = Record<string, any>;

async function ask({ kheaders }: Bench, ...args: string[]): Promise<Json> {
  const { code, stdout, stderr } = await kheaders(...args, '--json');
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Json;
}

async function readCrcs(path: string): Promise<ReadonlyMap<string, string>> {
  const lines = (await readFile(path, 'utf8')).trim().split('\n');
  return new Map(lines.map((line) => line.split('\t')).map(([crc, name]) => [name!, crc!]));
}

async function hasOption(headers: string, name: string): Promise<boolean> {
  const text = await readFile(join(headers, 'include/generated/autoconf.h'), 'utf8');
  return text.split('\n').includes(`#define ${name} 1`);
}

phoneTest(
  'two kernels of one release and one /proc/version are never mixed up',
  [
    { kernel: 'gki', layout: 'sys' },
    { kernel: 'gki-other', layout: 'sys' },
  ],
  async (bench) => {
    const { phones, server, folder, kheaders } = bench;
    const [one, other] = [phones[0]!, phones[1]!];
    const versions = [];
    for (const phone of phones) versions.push((await phone.shell(server, 'cat /proc/version')).stdout);
    assert.equal(versions[0], versions[1], 'what a kernel says of itself does not tell them apart');
    assert.equal(one.release, other.release);

    const headers: string[] = [];
    for (const phone of phones) {
      const pulled = await ask(bench, 'pull', '-s', phone.serial);
      assert.equal(pulled['how'], 'fetched');
      headers.push(pulled['headers'] as string);
      await assertSameAsTar(pulled['headers'] as string, phone.archivePath!, join(folder, phone.name));
    }
    assert.notEqual(headers[0], headers[1]);
    assert.deepEqual(await Promise.all(headers.map((tree) => hasOption(tree, 'CONFIG_SLAB_FREELIST_HARDENED'))), [
      false,
      true,
    ]);

    for (const [at, phone] of phones.entries()) {
      const again = await ask(bench, 'pull', '-s', phone.serial);
      assert.deepEqual([again['how'], again['headers']], ['cached', headers[at]]);
      assert.equal((await kheaders('path', '-s', phone.serial)).stdout.trim(), headers[at]);
    }
    // A release alone names the newest; the digest names each.
    assert.equal((await kheaders('path', one.release)).stdout.trim(), headers[1]);
    const listed = (await kheaders('list', '--json')).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Json);
    assert.equal(listed.length, 2);
    for (const { release, digest, headers: tree } of listed) {
      const named = await kheaders('path', `${release}@${digest}`);
      assert.equal(named.stdout.trim(), tree, named.stderr);
      assert.ok(headers.includes(tree as string));
    }

    // What is known of the one's symbols is not taken for the other's.
    const known: ReadonlyMap<string, string>[] = [];
    for (const phone of phones) {
      const symbols = await readCrcs(join(await makeTree(bench, phone), 'Module.symvers'));
      const own = await readCrcs(join(phone.kernelPath, 'objects', 'Module.symvers'));
      for (const [name, crc] of symbols) assert.equal(crc, own.get(name) ?? crc, `${phone.name}: ${name}`);
      assert.ok(symbols.size >= own.size);
      known.push(symbols);
    }
    const differing = [...known[0]!].filter(([name, crc]) => known[1]!.get(name) !== crc);
    assert.ok(differing.length >= 5, `${differing.length} CRCs differ`);
    console.log(`  ${differing.length} of ${known[0]!.size} CRCs differ, each kernel has its own`);
  },
);
