/**
 * UTF-8 for the wire: QuickJS has no TextEncoder, and both ends must agree on what is refused. On the phone this is most
 * of what a message costs, so ASCII, which nearly all of it is, takes the shortest way that the engine has.
 */

/** The bytes of text; a lone surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  const ascii = putAscii(text, bytes, 0);
  return ascii === text.length ? bytes : encodeRest(text, ascii, bytes);
}

/** Writes the ASCII that text begins with into a buffer with room for all of it; returns how many characters that were. */
export function putAscii(text: string, bytes: Uint8Array, start: number): number {
  const { length } = text;
  for (let at = 0; at < length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit >= 0x80) return at;
    bytes[start + at] = unit;
  }
  return length;
}

/** `start` bytes are there already: so many characters of ASCII. */
function encodeRest(text: string, start: number, ascii: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(start + (text.length - start) * 3);
  bytes.set(ascii.subarray(0, start));
  let length = start;
  for (let at = start; at < text.length; at += 1) {
    let point = text.codePointAt(at) ?? 0;
    if (point > 0xffff) at += 1;
    else if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd;
    length = encodePoint(bytes, length, point);
  }
  return bytes.slice(0, length);
}

function encodePoint(bytes: Uint8Array, at: number, point: number): number {
  if (point < 0x80) {
    bytes[at] = point;
    return at + 1;
  }
  const more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  bytes[at] = ((0xff00 >> (more + 1)) & 0xff) | (point >> (6 * more));
  for (let left = more - 1; left >= 0; left -= 1) bytes[at + more - left] = 0x80 | ((point >> (6 * left)) & 0x3f);
  return at + more + 1;
}

/** The smallest code point that may take this many bytes behind the first: a longer form than needed is refused. */
const smallest = [0, 0x80, 0x800, 0x10000];

/** So many arguments a call may have in any engine. */
const mostUnits = 8192;

/**
 * The text of bytes. What is not UTF-8 becomes U+FFFD where `lossy` is asked for (the kernel log, file contents);
 * otherwise undefined is returned.
 */
export function decodeUtf8(bytes: Uint8Array, lossy = false): string | undefined {
  let text = '';
  let at = 0;
  for (; at < bytes.length; at += mostUnits) {
    // Not spread: that would go through an iterator.
    const piece = (bytes.length <= mostUnits ? bytes : bytes.subarray(at, at + mostUnits)) as unknown as number[];
    if (Math.max.apply(undefined, piece) >= 0x80) break;
    text += String.fromCharCode.apply(undefined, piece);
  }
  while (at < bytes.length) {
    const { point, length } = decodePoint(bytes, at);
    if (point < 0 && !lossy) return undefined;
    text += point < 0 ? '\ufffd' : String.fromCodePoint(point);
    at += length;
  }
  return text;
}

/** point is -1 where the bytes at this place are no character; length says how many to step over. */
function decodePoint(bytes: Uint8Array, at: number): { readonly point: number; readonly length: number } {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return { point: first, length: 1 };
  const more = first >= 0xf0 && first < 0xf8 ? 3 : first >= 0xe0 ? 2 : 1;
  if (first < 0xc0 || first >= 0xf8 || at + more >= bytes.length) return { point: -1, length: 1 };
  let point = first & (0x3f >> more);
  for (let index = 1; index <= more; index += 1) {
    const next = bytes[at + index] ?? 0;
    if ((next & 0xc0) !== 0x80) return { point: -1, length: 1 };
    point = (point << 6) | (next & 0x3f);
  }
  const bad = point < (smallest[more] ?? 0) || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff);
  return bad ? { point: -1, length: 1 } : { point, length: more + 1 };
}
