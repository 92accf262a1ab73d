import { KhError } from '../core/error.js';
import type { ModuleForm } from './kernel-facts.js';

/** What `phone.json` beside an entry holds: that a phone with this kernel was read, and what its modules look like. */
export interface PhoneRecord {
  /** Everything could be read; false: another time, with root, there may be more. */
  readonly asRoot: boolean;
  readonly form?: ModuleForm | undefined;
}

export function formatPhoneRecord({ asRoot, form }: PhoneRecord): string {
  const ordered = form && { vermagic: form.vermagic, structModuleSize: form.structModuleSize, path: form.path };
  return `${JSON.stringify({ schema: 1, asRoot, form: ordered })}\n`;
}

/** The reverse. Throws `cache-corrupt`. */
export function parsePhoneRecord(text: string): PhoneRecord {
  const record = parseObject(text);
  const { schema, asRoot, form } = record;
  if (schema !== 1 || typeof asRoot !== 'boolean') throw wrong();
  if (form === undefined) return { asRoot };
  if (typeof form !== 'object' || form === null) throw wrong();
  const { vermagic, structModuleSize, path } = form as Readonly<Record<string, unknown>>;
  if (typeof vermagic !== 'string' || typeof path !== 'string') throw wrong();
  if (structModuleSize !== undefined && typeof structModuleSize !== 'number') throw wrong();
  return { asRoot, form: { vermagic, path, ...(structModuleSize === undefined ? {} : { structModuleSize }) } };
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
