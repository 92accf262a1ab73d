// A program for test/agent/holdings.test.ts: who leaves while a module is being unloaded. Prints JSON. The module is one that
// does not exist; its file is the argument, and a lock on it holds up the unload.
import * as native from 'native';
import * as os from 'os';
import * as std from 'std';
import { Holdings } from '../src/holdings.js';
import { delay } from '../src/loop.js';
import { Refusal } from '../src/refusal.js';

async function leaveWhileItGoes(path: string, wait: boolean): Promise<string> {
  const holdings = new Holdings(() => undefined);
  holdings.adopt('kh_test', path);
  const reader = os.open(path, os.O_RDONLY);
  native.lock(reader, false);
  const unloading = holdings.releaseOrphans();
  const holder = {};
  const request = { module: 'kh_test', release: '', paths: [], archives: [], parameters: '', holder: '', sole: false };
  const acquired = holdings.acquire(holder, request).then(
    () => 'leased',
    (error: unknown) => (error instanceof Refusal ? error.body.code : String(error)),
  );
  if (wait) await delay(1);
  const left = holdings.release(holder);
  os.close(reader);
  await Promise.all([unloading, left]);
  return acquired;
}

async function main(): Promise<void> {
  const path = scriptArgs[1] ?? '';
  const codes = [await leaveWhileItGoes(path, false), await leaveWhileItGoes(path, true)];
  std.out.puts(`${JSON.stringify(codes)}\n`);
}

main().catch((error: unknown) => std.err.puts(String(error)));
