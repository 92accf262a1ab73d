import { type MessageBody, type WireCode, WireError } from '@kheaders/shared';
import { FileError } from './files.js';

/** A request that cannot be carried out, as the other end is told. */
export class Refusal extends Error {
  readonly body: MessageBody<'error'>;

  constructor(code: WireCode, { errno = 0, path = '', detail = '' }: Partial<Omit<MessageBody<'error'>, 'code'>> = {}) {
    super(`${code} ${errno} ${path} ${detail}`);
    this.body = { code, errno, path, detail: detail.slice(0, 4000) };
  }
}

/** What to tell the other end of anything that was thrown: the one place that does. */
export function describeError(error: unknown): MessageBody<'error'> {
  if (error instanceof Refusal) return error.body;
  if (error instanceof FileError) return { code: 'io', errno: error.errno, path: error.path, detail: '' };
  if (error instanceof WireError) return { code: error.code, errno: 0, path: '', detail: error.message };
  const detail = error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error);
  return { code: 'internal', errno: 0, path: '', detail: detail.slice(0, 4000) };
}
