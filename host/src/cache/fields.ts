import { KhError } from '../core/error.js';

const longestText = 4096;

/** The fields of one JSON object from a file, each checked as it is taken. Throws `cache-corrupt` naming the field. */
export class Fields {
  readonly #values: object;
  readonly #name: string;

  constructor(value: unknown, name: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(name);
    this.#values = value;
    this.#name = name;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#values, name);
  }

  /** The value itself; undefined where the field is absent. */
  value(name: string): unknown {
    return this.has(name) ? (this.#values as Readonly<Record<string, unknown>>)[name] : undefined;
  }

  /** For the field `schema`: only our own version is understood. */
  schema(version: number): void {
    if (this.value('schema') !== version) throw wrong(this.#path('schema'));
  }

  object(name: string): Fields {
    return new Fields(this.value(name), this.#path(name));
  }

  /** A string without control characters for which `test` holds. */
  text(name: string, test: (text: string) => boolean = () => true): string {
    const value = this.value(name);
    const good = typeof value === 'string' && value.length <= longestText && !/\p{Cc}/u.test(value) && test(value);
    if (!good) throw wrong(this.#path(name));
    return value;
  }

  sha256(name: string): string {
    return this.text(name, (text) => /^[0-9a-f]{64}$/.test(text));
  }

  /** A whole number from 0 up. */
  count(name: string): number {
    const value = this.value(name);
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw wrong(this.#path(name));
    return value;
  }

  choice<T extends string>(name: string, choices: readonly T[]): T {
    const value = this.value(name);
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw wrong(this.#path(name));
    return found;
  }

  /** The texts that are there, of those that may be. */
  optionalTexts<T extends string>(allowed: readonly T[]): { readonly [name in T]?: string } {
    const found = allowed.filter((name) => this.has(name)).map((name) => [name, this.text(name)]);
    return Object.fromEntries(found) as { readonly [name in T]?: string };
  }

  #path(name: string): string {
    return this.#name === '' ? name : `${this.#name}.${name}`;
  }
}

function wrong(field: string): KhError {
  return new KhError('cache-corrupt', 'A field is missing or has a wrong value', { reason: field || 'no JSON object' });
}
