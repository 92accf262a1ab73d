import { KhError } from '../core/error.js';
import { transferMagic } from './transfer-script.js';

/** What the phone says before the payload. */
export interface TransferHeader {
  /** The file that was loaded or read. */
  readonly path: string;
  /** Bytes of payload, as stat tells them; right for sysfs and procfs too (kernel/kheaders.c sets it). */
  readonly size: number;
  /** True if this transfer loaded the module and will unload it. */
  readonly loaded: boolean;
  /** The module list before anything was done; empty where it was not asked for. */
  readonly before: readonly string[];
}

/** The phone's refusal: `vermagic`, `load` or `read`, with the text its tools gave. */
export class TransferRefusal extends Error {
  readonly kind: string;
  readonly detail: string;

  constructor(kind: string, detail: string) {
    super(`The device refused: ${kind}`);
    this.kind = kind;
    this.detail = detail;
  }
}

const headerLimit = 64 * 1024;
/** Larger than any archive: the largest known, with build artefacts, has 7.5 MB; a module with debug info some more. */
const payloadLimit = 256 * 1024 * 1024;

/**
 * Reads up to the empty line that ends the header; returns it with the payload bytes that came along. Chatter before
 * the magic line (linker warnings, su banners) is skipped.
 * Errors: TransferRefusal; `device-failed` for anything that is not a header.
 */
export async function readTransferHeader(
  source: AsyncIterator<Buffer>,
): Promise<{ header: TransferHeader; rest: Buffer }> {
  let seen: Buffer = Buffer.alloc(0);
  for (;;) {
    const begin = seen.indexOf(transferMagic);
    const end = begin < 0 ? -1 : seen.indexOf('\n\n', begin);
    if (end >= 0) {
      const text = seen.subarray(0, end).toString('utf8');
      return { header: parseTransferHeader(text), rest: seen.subarray(end + 2) };
    }
    const next = seen.length > headerLimit ? undefined : await source.next();
    if (next === undefined || next.done === true) throw notAHeader(seen);
    seen = Buffer.concat([seen, next.value]);
  }
}

function notAHeader(seen: Buffer): KhError {
  const output = seen.subarray(0, 1000).toString('utf8');
  // A su that puts its child on a terminal turns LF into CRLF, which would also corrupt the archive.
  const reason = output.includes(`${transferMagic}\r\n`) ? 'pty' : 'no-header';
  return new KhError('device-failed', 'The device did not answer as expected', { output, reason });
}

/** Parses the lines before the empty one. Errors: TransferRefusal, `device-failed`. */
export function parseTransferHeader(text: string): TransferHeader {
  const lines = text.slice(text.indexOf(transferMagic)).split('\n');
  if (lines[0] !== transferMagic) throw notAHeader(Buffer.from(text));
  const fields = new Map(lines.slice(1).map((line) => splitField(line)));
  const error = fields.get('error');
  if (error !== undefined) throw new TransferRefusal(error, (fields.get('detail') ?? '').slice(0, 1000));
  const sizeText = fields.get('size') ?? '';
  const size = /^\d{1,12}$/.test(sizeText) ? Number(sizeText) : NaN;
  if (Number.isNaN(size)) throw impossibleSize(sizeText);
  return checkHeader({
    path: fields.get('path') ?? '',
    size,
    loaded: fields.get('loaded') === 'yes',
    before: (fields.get('before') ?? '').split(' ').filter((name) => name !== ''),
  });
}

/** Returns a header whose path and size can be used. Errors: `device-failed`. */
export function checkHeader(header: TransferHeader): TransferHeader {
  const { path, size } = header;
  if (!(size > 0 && size <= payloadLimit)) throw impossibleSize(String(size));
  if (!/^\/[\w.+~/-]{1,512}$/.test(path)) {
    throw new KhError('device-failed', 'The device reports an impossible path', { actual: path.slice(0, 200) });
  }
  return header;
}

function impossibleSize(text: string): KhError {
  return new KhError('device-failed', 'The device reports an impossible archive size', { actual: text.slice(0, 40) });
}

function splitField(line: string): [string, string] {
  const at = line.indexOf('=');
  return [line.slice(0, Math.max(at, 0)), line.slice(at + 1)];
}

/** The error for a payload of another length than was announced. */
export function wrongLength(
  reason: 'short' | 'long',
  { size, serial }: { readonly size: number; readonly serial: string },
  received: number,
): KhError {
  const details = { serial, reason, expected: String(size), actual: String(received) };
  return new KhError('archive-corrupt', `The phone sent ${received} bytes of an archive of ${size}`, details);
}
