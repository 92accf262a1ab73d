import type { Argv, Options, PositionalOptions } from 'yargs';

/** Adds options to a parser, as yargs' builder functions do. */
export type AddOptions = (parser: Argv) => unknown;

/** Thrown inside where a line is yargs' business. */
class NotPlain extends Error {}

/** What a command declares; any other call of its builder is not for us. */
class Declarations {
  readonly options = new Map<string, Options>();
  readonly positionals: (readonly [name: string, options: PositionalOptions])[] = [];
  /** The option each word with dashes in front stands for. */
  readonly words = new Map<string, string>();

  option(name: string, options: Options): this {
    this.options.set(name, options);
    this.words.set(`--${name}`, name);
    if (typeof options.alias === 'string') this.words.set(`-${options.alias}`, name);
    return this;
  }

  positional(name: string, options: PositionalOptions): this {
    if (options.array === true) throw new NotPlain();
    this.positionals.push([name, options]);
    return this;
  }

  parserConfiguration(): this {
    throw new NotPlain();
  }
}

type Value = string | number | boolean;

/**
 * The arguments of a plain line, as yargs would give them: every word is an option the command declares, in the form
 * `--name`, `--no-name`, `--name value`, `--name=value` or `-n value`, once, or a positional. Undefined for whatever else, also
 * for what is wrong with the line: yargs parses it then, and says so. Loading and running yargs takes longer than all
 * else before the first word to the phone.
 */
export function parsePlainLine(
  words: readonly string[],
  add: AddOptions,
): Readonly<Record<string, unknown>> | undefined {
  try {
    const declared = declare(add);
    return fill(declared, takeWords(words, declared));
  } catch (error) {
    if (error instanceof NotPlain) return undefined;
    throw error;
  }
}

/** It has the methods that our builders call; one that calls another gets a TypeError, here and not from yargs. */
function declare(add: AddOptions): Declarations {
  const declared = new Declarations();
  try {
    add(declared as unknown as Argv);
  } catch (error) {
    throw error instanceof TypeError ? new NotPlain() : error;
  }
  return declared;
}

function takeWords(words: readonly string[], declared: Declarations): ReadonlyMap<string, Value> {
  const given = new Map<string, Value>();
  const free = [...declared.positionals];
  const give = (name: string, value: Value): void => {
    if (given.has(name)) throw new NotPlain();
    given.set(name, value);
  };
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (!word.startsWith('-')) {
      const [name, options] = free.shift() ?? [];
      give(name ?? '', valueOf(word, options));
      continue;
    }
    const [flag, text] = splitFlag(word);
    const name = declared.words.get(flag);
    const options = name === undefined ? undefined : declared.options.get(name);
    if (name !== undefined && options?.type === 'boolean' && text === undefined) give(name, true);
    else if (name !== undefined && text !== undefined) give(name, valueOf(text, options));
    else if (name !== undefined && takesNext(options)) give(name, valueOf(words[(at += 1)], options));
    else give(...negated(flag, text, declared));
  }
  return given;
}

function splitFlag(word: string): readonly [flag: string, text?: string] {
  const equals = word.indexOf('=');
  if (equals < 0) return [word];
  if (!word.startsWith('--')) throw new NotPlain();
  return [word.slice(0, equals), word.slice(equals + 1)];
}

function takesNext(options: Options | undefined): boolean {
  return options?.requiresArg === true || options?.choices !== undefined;
}

function negated(flag: string, text: string | undefined, declared: Declarations): readonly [string, boolean] {
  const name = flag.startsWith('--no-') ? flag.slice(5) : '';
  if (text !== undefined || declared.options.get(name)?.type !== 'boolean') throw new NotPlain();
  return [name, false];
}

/** A value that every parser reads the same way. */
function valueOf(text: string | undefined, options: Options | PositionalOptions | undefined): Value {
  const { type, choices, array } = options ?? {};
  if (text === undefined || options === undefined || array === true || !/^[^-"'\s][^"']*$/.test(text))
    throw new NotPlain();
  if (choices !== undefined && !choices.includes(text)) throw new NotPlain();
  if (type === 'number' && /^\d{1,9}$/.test(text)) return Number(text);
  if (type === 'string' || (type === undefined && choices !== undefined)) return text;
  throw new NotPlain();
}

function fill(declared: Declarations, given: ReadonlyMap<string, Value>): Readonly<Record<string, unknown>> {
  const args: Record<string, unknown> = {};
  for (const [name, { default: usual, conflicts }] of declared.options) {
    const value = given.get(name) ?? (usual as unknown);
    if (value !== undefined) args[toCamelCase(name)] = value;
    const rivals = given.has(name) ? [conflicts ?? []].flat() : [];
    if (rivals.some((rival) => typeof rival !== 'string' || given.has(rival))) throw new NotPlain();
  }
  for (const [name, { demandOption, default: usual }] of declared.positionals) {
    const value = given.get(name) ?? (usual as unknown);
    if (value !== undefined) args[name] = value;
    else if (demandOption === true) throw new NotPlain();
  }
  return args;
}

function toCamelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
