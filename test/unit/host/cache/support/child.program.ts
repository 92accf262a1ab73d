/** A process that works on a cache: `child.program.ts <root> <command> <seed> [files]`. Prints JSON; a KhError's code on stderr. */
import { openCache, findEntry, resolveEntry, touchEntry, listEntries } from '../../../../../host/src/cache/store.js';
import { findByIdentity, recordIdentity } from '../../../../../host/src/cache/identity-index.js';
import { publish } from '../../../../../host/src/cache/publish.js';
import { removeEntry } from '../../../../../host/src/cache/remove.js';
import { repairEntry } from '../../../../../host/src/cache/repair.js';
import { openStaging } from '../../../../../host/src/cache/staging.js';
import { verifyEntry } from '../../../../../host/src/cache/verify.js';
import { isKhError } from '../../../../../host/src/core/error.js';
import { extractFake, fillStaging, identity, listeningContext, release, silent, walkFake } from './fixture.js';

const [root = '', command = '', seed = '', files = '20'] = process.argv.slice(2);

async function run(): Promise<unknown> {
  const cache = await openCache(root);
  if (command === 'publish') {
    await using staging = await openStaging(cache, silent);
    const { facts, tree } = await fillStaging(staging, seed, Number(files));
    process.stdout.write('filled\n');
    return (await publish(staging, facts, tree, silent)).path;
  }
  if (command === 'remove') {
    const entry = await findEntry(cache, release, seed);
    if (entry) await removeEntry(cache, entry, silent);
    return entry?.digest;
  }
  if (command === 'repair') {
    const entry = await resolveEntry(cache, release);
    await repairEntry(cache, entry, (_archive, target) => extractFake(seed, target), silent);
    return verifyEntry(await resolveEntry(cache, release), walkFake, silent);
  }
  const entry = await resolveEntry(cache, release); // 'read': all that must work in a cache that cannot be written to
  const ctx = listeningContext();
  await touchEntry(entry);
  await recordIdentity(cache, identity, entry, ctx);
  const known = await findByIdentity(cache, identity);
  const problems = await verifyEntry(entry, walkFake, silent);
  return { listed: (await listEntries(cache)).length, known: known?.path, problems, events: ctx.events };
}

run().then(
  (result) => process.stdout.write(`${JSON.stringify(result ?? null)}\n`),
  (error: unknown) => {
    process.stderr.write(
      isKhError(error) ? `code=${error.code}` : String(error instanceof Error ? error.stack : error),
    );
    process.exitCode = 1;
  },
);
