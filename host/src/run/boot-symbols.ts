import { createHash } from 'node:crypto';
import type { Context } from '../core/context.js';
import { isKhError } from '../core/error.js';
import { AgentRefusal } from '../device/agent-refusal.js';
import type { PhoneAgent } from '../device/phone-agent.js';
import { findBanner } from '../image/banner.js';
import { measureBootKernel } from '../image/boot-image.js';
import { readImageSymbols } from '../image/image-symbols.js';
import { openKernelImage } from '../image/kernel-image.js';
import type { SymbolTable } from '../image/symbol-table.js';
import { readRemote } from './read-remote.js';

/** Android's boot partitions have 32 to 96 MiB. */
const partitionLimit = 256 * 1024 * 1024;
const versionLimit = 4096;

/**
 * What the kernel in the phone's boot partition exports; nothing, and a warning, where it cannot be read, is not the one
 * that runs, or does not show it. Errors: AgentFailure, those of the connection.
 */
export async function readBootSymbols(agent: PhoneAgent, ctx: Context): Promise<readonly SymbolTable[]> {
  const warn = (message: string): void => ctx.report({ kind: 'warning', warning: 'facts', message });
  const found = await readPartition(agent, ctx);
  if (found === undefined) {
    warn('The boot partition cannot be read: the kernel’s own CRCs are not known');
    return [];
  }
  try {
    const image = await openKernelImage(found.bytes, ctx);
    const running = (await readRemote(agent.link, '/proc/version', versionLimit))?.toString('latin1').split('\n')[0];
    const banner = findBanner(image.bytes)?.text;
    if (banner === undefined || banner.trimEnd() !== running?.trimEnd()) {
      warn(`${found.path} holds another kernel than the one that runs: it was not used`);
      return [];
    }
    const sha256 = createHash('sha256').update(found.bytes).digest('hex');
    return [readImageSymbols(image, { path: found.path, sha256 })];
  } catch (error) {
    if (!isKhError(error, 'archive-corrupt') && !isKhError(error, 'archive-refused')) throw error;
    warn(`The kernel in ${found.path} does not show its symbols: ${error.message}`);
    return [];
  }
}

/** The partition's bytes, up to the end of the kernel where its header says where that is. */
async function readPartition(
  agent: PhoneAgent,
  ctx: Context,
): Promise<{ readonly path: string; readonly bytes: Buffer } | undefined> {
  const { stdout } = await agent.run('getprop ro.boot.slot_suffix', ctx);
  const slot = /^_[a-z]$/.exec(stdout.trim())?.[0] ?? '';
  const folders = ['/dev/block/by-name', '/dev/block/bootdevice/by-name'];
  for (const path of folders.flatMap((folder) => [`${folder}/boot${slot}`, `${folder}/boot`])) {
    try {
      const bytes = await readRemote(agent.link, path, partitionLimit, measureBootKernel);
      if (bytes !== undefined) return { path, bytes };
    } catch (error) {
      if (!(error instanceof AgentRefusal) || error.body.code !== 'io') throw error;
    }
  }
  return undefined;
}
