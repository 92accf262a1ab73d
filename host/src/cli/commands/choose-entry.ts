import { type KernelCache, openCache } from '../../keeping.js';
import { type Entry, KhError, pull } from '../../pulling.js';
import type { CommonArguments } from '../command.js';
import { type DeviceArguments, selectorOf, serverOf } from '../device-options.js';
import type { Io } from '../io.js';

export interface EntryArguments extends DeviceArguments {
  readonly name?: string | undefined;
}

/**
 * The entry a command is about: the one named; else the kernel of the phone chosen by -s, -t, -d or -e (pulled if need
 * be); else the only one there is. With `symbols` the phone's kernel and modules are read too, once. Errors: `not-cached`, `usage`, and those of pull().
 */
export async function chooseEntry(
  args: EntryArguments & CommonArguments,
  io: Io,
  { symbols = false }: { readonly symbols?: boolean } = {},
): Promise<Entry> {
  const cache = await openCache({ cacheDir: args.cache });
  if (args.name !== undefined) return cache.resolve(args.name);
  const device = selectorOf(args);
  if (device === undefined) return onlyEntry(cache);
  const { signal, onEvent } = io;
  const options = { device, adb: serverOf(args), cacheDir: args.cache, signal, onEvent };
  if (!symbols) return (await pull(options)).entry;
  const { pullKernel } = await import('../../building.js');
  return pullKernel(options);
}

async function onlyEntry(cache: KernelCache): Promise<Entry> {
  const entries = await cache.list();
  const [first, second] = entries.filter((entry) => !('damaged' in entry));
  if (first === undefined) throw new KhError('not-cached', 'The cache holds no kernel', { choices: [] });
  if (second === undefined && 'manifest' in first) return first;
  const choices = entries.map(({ release, digest }) => `${release}@${digest}`);
  throw new KhError('usage', 'The cache holds several kernels: name one, or a phone with -s', { choices });
}
