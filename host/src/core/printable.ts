/** Control, format (bidi overrides among them), surrogate, private and unassigned characters, and line separators. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}\\]/u;

/**
 * Text from a phone or an archive in a form that is safe on a terminal and in a log: whatever is not plainly visible is
 * written `\xNN` or `\u{N}`, a backslash is doubled, and what is longer than `limit` characters ends in `…`.
 */
export function printable(text: string, limit = 200): string {
  let shown = '';
  for (const character of text) {
    const next = unprintable.test(character) ? escaped(character) : character;
    if (shown.length + next.length > limit) return `${shown}…`;
    shown += next;
  }
  return shown;
}

function escaped(character: string): string {
  if (character === '\\') return '\\\\';
  const code = character.codePointAt(0) ?? 0;
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}
