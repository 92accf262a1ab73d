import assert from 'node:assert/strict';
import { mkdir, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { BpfTarget } from '../../../../host/src/build/bpf-target.js';
import { formatKconfigHeader, publishBpftraceView } from '../../../../host/src/build/bpftrace-view.js';
import { type Entry, cacheAt } from '../../../../host/src/cache/format.js';
import { makeContext } from '../../../../host/src/core/context.js';
import { temporaryDirectory } from '../../../support/temp.js';

const target = { defines: ['SHIFT=3', 'FLAG'] } as unknown as BpfTarget;

test('formatKconfigHeader defines what the Makefile would, unless the tool has done so', () => {
  const text = formatKconfigHeader(target);
  assert.match(text, /#ifndef SHIFT\n#define SHIFT 3\n#endif\n#ifndef FLAG\n#define FLAG\n#endif\n/);
  assert.match(text, /#include "kheaders-kconfig\.h"\n/);
});

test('publishBpftraceView links to every header but kconfig.h, and can be moved with its cache', async (t) => {
  const root = await temporaryDirectory(t);
  const cache = cacheAt(join(root, 'old'));
  const [release, digest] = ['6.1.0', '0123456789abcdef'];
  const headers = join(cache.kernels, release, digest, 'headers');
  for (const name of ['arch/arm64/a.h', 'include/net/sock.h', 'include/linux/fs.h', 'include/linux/kconfig.h']) {
    await mkdir(join(headers, name, '..'), { recursive: true });
    await writeFile(join(headers, name), name);
  }
  const entry = { release, digest, headers } as Entry;
  const path = await publishBpftraceView(cache, entry, target, makeContext());
  assert.equal(await publishBpftraceView(cache, entry, target, makeContext()), path, 'made once');
  await rename(join(root, 'old'), join(root, 'moved'));
  const moved = path.replace('/old/', '/moved/');
  for (const name of ['arch/arm64/a.h', 'include/net/sock.h', 'include/linux/fs.h']) {
    assert.equal(await realpath(join(moved, name)), join(headers.replace('/old/', '/moved/'), name));
  }
  assert.equal(await readFile(join(moved, 'include/linux/kconfig.h'), 'utf8'), formatKconfigHeader(target));
  assert.equal(await readFile(join(moved, 'include/linux/kheaders-kconfig.h'), 'utf8'), 'include/linux/kconfig.h');
});
