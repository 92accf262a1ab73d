import { writeExtra } from '../cache/extras.js';
import type { Entry } from '../cache/format.js';
import { type Context, makeContext, withSerial } from '../core/context.js';
import { KhError, isKhError, withDetails } from '../core/error.js';
import { findDevice } from '../device/attached.js';
import type { Session } from '../device/session.js';
import { assertBtf } from '../image/btf.js';
import { openSession } from '../pull/open-session.js';
import { findCache } from '../pull/find-cache.js';
import { type PullOptions, findServer } from '../pull/options.js';
import { pull } from '../pull/pull-device.js';

/** A kernel's BTF in the cache. */
export interface Btf {
  readonly entry: Entry;
  readonly path: string;
}

/** kernel/bpf/sysfs_btf.c: there where the kernel was built with CONFIG_DEBUG_INFO_BTF. */
const btfPath = '/sys/kernel/btf/vmlinux';
/** An Android kernel has 5 MB of it. */
const largest = 64 << 20;

/**
 * Reads the BTF of an attached phone's kernel into the cache, beside the headers, which are pulled if need be. It is read
 * each time: kernels with equal headers need not have equal types.
 *
 * Errors: `btf-missing` where the kernel has none, `device-failed` where the phone gives something else, `read-refused` and
 * `not-root` where it may not be read, those of pull().
 */
export async function pullBtf(options: PullOptions = {}): Promise<Btf> {
  const { entry, serial } = await pull(options);
  const ctx = withSerial(makeContext(options), serial);
  const server = findServer(options);
  const device = await findDevice(server, { kind: 'serial', serial }, ctx);
  try {
    await using session = openSession({ server, device }, { root: options.root ?? 'auto', agent: options.agent }, ctx);
    const bytes = await readBtf(session, ctx);
    assertBtf(bytes);
    return { entry, path: await writeExtra(await findCache(options), entry, 'btf', bytes) };
  } catch (error) {
    throw withDetails(error, { serial, release: entry.release });
  }
}

/** The file is world-readable; SELinux may still keep it from the shell. */
async function readBtf(session: Session, ctx: Context): Promise<Buffer> {
  try {
    return await readFile(session, false, ctx);
  } catch (error) {
    if (!isKhError(error, 'read-refused')) throw error;
    if (error.details.reason === 'ENOENT') {
      throw new KhError('btf-missing', 'The kernel of the phone has no BTF', { devicePath: btfPath }, error);
    }
    return readFile(session, true, ctx);
  }
}

async function readFile(session: Session, asRoot: boolean, ctx: Context): Promise<Buffer> {
  await using transfer = await session.openTransfer({ kind: 'live', path: btfPath }, asRoot, ctx);
  const { size } = transfer;
  if (size > largest) throw new KhError('device-failed', 'The BTF of the phone is too large', { actual: String(size) });
  const pieces: Buffer[] = [];
  let done = 0;
  for await (const piece of transfer.bytes) {
    pieces.push(Buffer.from(piece));
    done += piece.length;
    ctx.report({ kind: 'progress', step: 'read', done, total: size });
  }
  await transfer.finish();
  return Buffer.concat(pieces);
}
