import { KhError } from '../core/error.js';

/** The helper hands a text of less than 4096 bytes to finit_module(2). */
const longest = 4000;

/**
 * Parameters as insmod(8) takes them, one word each (`count=3`, `name=some text`, `debug`), in the form the kernel parses
 * (kernel/params.c, next_arg()): words apart by spaces, a value with spaces in double quotes.
 *
 * @throws KhError `usage` for a word the kernel could not be told: another first character, a quote, a control character.
 */
export function formatParameters(words: readonly string[]): string {
  const text = words.map(formatWord).join(' ');
  if (text.length > longest) throw new KhError('usage', 'The module parameters are too long');
  return text;
}

function formatWord(word: string): string {
  const match = /^([A-Za-z_][\w.-]*)(?:=(.*))?$/s.exec(word);
  const [, name, value] = match ?? [];
  if (name === undefined || !/^[\x20-\x7e]*$/.test(value ?? '') || (value ?? '').includes('"')) {
    throw new KhError('usage', 'A module parameter is name=value or name', { actual: word });
  }
  if (value === undefined) return name;
  return value.includes(' ') ? `${name}="${value}"` : `${name}=${value}`;
}
