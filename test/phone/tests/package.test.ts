import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exec } from '../exec.js';
import { startCli } from './cli.js';
import { phoneTest, useAdbServer } from './phone-test.js';

useAdbServer();

const host = fileURLToPath(new URL('../../../host', import.meta.url));

phoneTest('the packed package, installed into an empty folder, pulls and serves as a library', {}, async (bench) => {
  const { folder, env, phone } = bench;
  const packed = await exec('npm', ['pack', host, '--pack-destination', folder, '--silent'], { timeoutMs: 60_000 });
  assert.equal(packed.code, 0, packed.stderr);
  const tarball = join(folder, packed.stdout.trim().split('\n').at(-1)!);
  const app = join(folder, 'app');
  await mkdir(app);
  await writeFile(join(app, 'package.json'), '{"type":"module"}');
  const installed = await exec('npm', ['i', tarball, '--prefix', app, '--no-audit', '--no-fund'], {
    timeoutMs: 120_000,
  });
  assert.equal(installed.code, 0, installed.stderr);

  const program = join(app, 'node_modules', '.bin', 'kheaders');
  const pulled = await startCli(['pull', '--json'], env, program).done;
  assert.equal(pulled.code, 0, pulled.stderr);
  const json = JSON.parse(pulled.stdout) as { how: string; headers: string; release: string };
  assert.deepEqual([json.how, json.release], ['fetched', phone.release]);

  const script = join(app, 'use.js');
  await writeFile(
    script,
    `import { createRequire } from 'node:module';
     import { pull, listDevices, openCache, KhError } from 'kheaders';
     const same = createRequire(import.meta.url)('kheaders').pull === pull;
     const { entry, how } = await pull();
     const [device] = await listDevices();
     const listed = await (await openCache()).list();
     const refused = await pull({ device: { kind: 'serial', serial: 'nobody' } }).catch((error) => error);
     console.log(JSON.stringify([how, entry.headers, device.release, listed.length, refused instanceof KhError, refused.code, same]));`,
  );
  const used = await startCli([], env, script).done;
  assert.equal(used.code, 0, used.stderr);
  assert.deepEqual(JSON.parse(used.stdout), ['cached', json.headers, phone.release, 1, true, 'no-device', true]);
});
