import { KhError } from '../core/error.js';
import type { ModuleForm } from './kernel-facts.js';

/** What `phone.json` beside an entry holds: that a phone with this kernel was read, and what its modules look like. */
export interface PhoneRecord {
  /** Which kernel it was: two kernels may share an archive, and so an entry. 64 hex digits. */
  readonly kernel: string;
  /** Everything could be read; false: another time, with root, there may be more. */
  readonly asRoot: boolean;
  readonly form?: ModuleForm | undefined;
}

export function formatPhoneRecord({ kernel, asRoot, form }: PhoneRecord): string {
  const ordered = form && { vermagic: form.vermagic, structModuleSize: form.structModuleSize, path: form.path };
  return `${JSON.stringify({ schema: 1, kernel, asRoot, form: ordered })}\n`;
}

/** The reverse. Throws `cache-corrupt`. */
export function parsePhoneRecord(text: string): PhoneRecord {
  const record = parseObject(text);
  const { schema, kernel, asRoot, form } = record;
  if (schema !== 1 || typeof asRoot !== 'boolean') throw wrong();
  if (typeof kernel !== 'string' || !/^[0-9a-f]{64}$/.test(kernel)) throw wrong();
  if (form === undefined) return { kernel, asRoot };
  if (typeof form !== 'object' || form === null) throw wrong();
  const { vermagic, structModuleSize, path } = form as Readonly<Record<string, unknown>>;
  if (typeof vermagic !== 'string' || typeof path !== 'string') throw wrong();
  if (structModuleSize !== undefined && typeof structModuleSize !== 'number') throw wrong();
  return { kernel, asRoot, form: { vermagic, path, ...(structModuleSize === undefined ? {} : { structModuleSize }) } };
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch {
    // said below
  }
  throw wrong();
}

function wrong(): KhError {
  return new KhError('cache-corrupt', 'What is known of a phone is damaged', { reason: 'phone.json' });
}
