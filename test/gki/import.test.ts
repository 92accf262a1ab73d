import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findAssets } from '../phone/assets.js';
import { exec } from '../phone/exec.js';
import { runCli } from '../phone/tests/cli.js';

test('import takes the archive out of a kernel that has it built in', { timeout: 7_200_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'kheaders-gki-'));
  t.after(() => exec('sh', ['-c', 'chmod -R u+w "$0" && rm -r "$0"', folder]));
  const kind = { arch: 'arm64', layout: 'builtin', pages: '4k', kernel: 'gki' } as const;
  const { kernelPath, archivePath, bootImage, release } = await findAssets(kind, (line) => console.error(line));
  const image = join(kernelPath, 'vmlinuz');
  for (const [program, suffix] of [
    ['gzip -9', 'gz'],
    ['lz4 -l -9', 'lz4'],
  ] as const) {
    const packed = await exec('sh', ['-c', `${program} -c < "$0" > "$1"`, image, join(folder, `Image.${suffix}`)]);
    assert.equal(packed.code, 0, packed.stderr);
  }
  const files = [
    image,
    join(kernelPath, 'objects', 'vmlinux'),
    bootImage,
    join(folder, 'Image.gz'),
    join(folder, 'Image.lz4'),
  ];
  const archive = await readFile(archivePath!);
  for (const [at, file] of files.entries()) {
    // A cache for each: nothing is there already.
    const cache = join(folder, String(at));
    const imported = await runCli(['import', file, '--json'], { KHEADERS_CACHE: cache });
    assert.equal(imported.code, 0, `${file}: ${imported.stderr}`);
    const json = JSON.parse(imported.stdout) as Record<string, any>;
    assert.equal(json['release'], release);
    assert.ok(archive.equals(await readFile(join(json['path'] as string, 'kheaders.tar.xz'))), file);
    console.log(
      `  ${file.split('/').at(-1)}: sha256 ${createHash('sha256').update(archive).digest('hex').slice(0, 16)}`,
    );
  }
});
