/** A frame, without the magic, that a reader must refuse: with which code and why. */
export interface RefusedFrame {
  readonly what: string;
  /** Spaces are for the eye. */
  readonly hex: string;
  readonly code: 'bad-frame' | 'bad-message';
  readonly message: string;
}

const cut = { code: 'bad-message', message: 'a value is cut off' } as const;
const notUtf8 = { code: 'bad-message', message: 'text that is not UTF-8' } as const;
const tooLarge = { code: 'bad-message', message: 'a number above 2^53 - 1' } as const;

/** A notice whose text has these bytes. */
function noticeOf(bytes: string): string {
  const length = bytes.length / 2;
  return `${formatByte(length + 4)} 000000 4b 00000000 ${formatByte(length)} 000000 ${bytes}`;
}

function formatByte(value: number): string {
  return value.toString(16).padStart(2, '0');
}

const header: readonly RefusedFrame[] = [
  { what: 'tag 0', hex: '00000000 00 00000000', code: 'bad-frame', message: 'unknown tag 0' },
  {
    what: 'the tag behind the last request',
    hex: '00000000 10 00000000',
    code: 'bad-frame',
    message: 'unknown tag 16',
  },
  { what: 'the tag before the first reply', hex: '00000000 3f 00000000', code: 'bad-frame', message: 'unknown tag 63' },
  {
    what: 'the tag behind the last reply',
    hex: '01000000 4d 01000000 00',
    code: 'bad-frame',
    message: 'unknown tag 77',
  },
  { what: 'tag 255', hex: '02000000 ff ffffffff 0000', code: 'bad-frame', message: 'unknown tag 255' },
  {
    what: 'one byte over the limit',
    hex: '01000200 44 00000000',
    code: 'bad-frame',
    message: 'a payload of 131073 bytes',
  },
  { what: '2 GiB', hex: '00000080 44 00000000', code: 'bad-frame', message: 'a payload of 2147483648 bytes' },
  {
    what: 'the largest length',
    hex: 'ffffffff 44 00000000',
    code: 'bad-frame',
    message: 'a payload of 4294967295 bytes',
  },
  {
    what: 'a length in big-endian',
    hex: '00000009 49 00000000',
    code: 'bad-frame',
    message: 'a payload of 150994944 bytes',
  },
  { what: 'ping with a byte', hex: '01000000 0b 01000000 00', code: 'bad-message', message: '1 bytes too many' },
  {
    what: 'cancel with a byte too many',
    hex: '05000000 0c 01000000 06000000 00',
    code: 'bad-message',
    message: '1 bytes too many',
  },
  {
    what: 'notice with text behind its text',
    hex: '08000000 4b 00000000 00000000 00000000',
    code: 'bad-message',
    message: '4 bytes too many',
  },
];

const values: readonly RefusedFrame[] = [
  { what: 'hello without anything', hex: '00000000 01 00000000', ...cut },
  { what: 'cancel with three bytes', hex: '03000000 0c 01000000 060000', ...cut },
  { what: 'end with seven bytes', hex: '07000000 45 01000000 00000000000000', ...cut },
  { what: 'text longer than the payload', hex: '05000000 4b 00000000 02000000 61', ...cut },
  { what: 'the longest text, not there', hex: '05000000 4b 00000000 00000100 61', ...cut },
  {
    what: 'text over the limit',
    hex: '05000000 4b 00000000 01000100 61',
    code: 'bad-message',
    message: 'text of 65537 bytes',
  },
  {
    what: 'text of 4 GiB',
    hex: '05000000 4b 00000000 ffffffff 61',
    code: 'bad-message',
    message: 'text of 4294967295 bytes',
  },
  {
    what: 'flag 2',
    hex: '09000000 08 01000000 0000000000000000 02',
    code: 'bad-message',
    message: 'neither true nor false',
  },
  {
    what: 'flag 255',
    hex: '09000000 08 01000000 0000000000000000 ff',
    code: 'bad-message',
    message: 'neither true nor false',
  },
  { what: 'the number 2^53', hex: '09000000 08 01000000 0000000000002000 00', ...tooLarge },
  { what: 'the number 2^53 + 1', hex: '09000000 08 01000000 0100000000002000 00', ...tooLarge },
  { what: 'the number 2^63', hex: '09000000 08 01000000 0000000000000080 00', ...tooLarge },
  { what: 'the number 2^64 - 1', hex: '09000000 08 01000000 ffffffffffffffff 00', ...tooLarge },
  {
    what: 'an unload result behind the last',
    hex: '09000000 43 01000000 05 00000000 00000000',
    code: 'bad-message',
    message: 'a word that is not in the list',
  },
  {
    what: 'an error code behind the last',
    hex: '0d000000 4a 01000000 0d 00000000 00000000 00000000',
    code: 'bad-message',
    message: 'a word that is not in the list',
  },
  {
    what: 'an error code of 255',
    hex: '0d000000 4a 01000000 ff 00000000 00000000 00000000',
    code: 'bad-message',
    message: 'a word that is not in the list',
  },
];

const lists: readonly RefusedFrame[] = [
  { what: 'a list of one, cut', hex: '04000000 41 01000000 01000000', ...cut },
  { what: 'the longest list, not there', hex: '04000000 41 01000000 00100000', ...cut },
  {
    what: 'a list over the limit',
    hex: '04000000 41 01000000 01100000',
    code: 'bad-message',
    message: 'a list of 4097',
  },
  {
    what: 'a list of 4 Gi',
    hex: '04000000 41 01000000 ffffffff',
    code: 'bad-message',
    message: 'a list of 4294967295',
  },
  { what: 'a file of a list, cut behind its path', hex: '09000000 41 01000000 01000000 01000000 61', ...cut },
  { what: 'the second list, cut', hex: '07000000 41 01000000 00000000 000000', ...cut },
];

const texts: readonly RefusedFrame[] = [
  { what: 'a byte that goes on', hex: noticeOf('80'), ...notUtf8 },
  { what: 'a byte that goes on behind a letter', hex: noticeOf('61bf'), ...notUtf8 },
  { what: 'two bytes, cut', hex: noticeOf('c3'), ...notUtf8 },
  { what: 'three bytes, cut', hex: noticeOf('e282'), ...notUtf8 },
  { what: 'four bytes, cut', hex: noticeOf('f09f93'), ...notUtf8 },
  { what: 'two bytes, the second a letter', hex: noticeOf('c361'), ...notUtf8 },
  { what: 'four bytes, the last a letter', hex: noticeOf('f09f9361'), ...notUtf8 },
  { what: 'zero in two bytes', hex: noticeOf('c080'), ...notUtf8 },
  { what: 'a slash in two bytes', hex: noticeOf('c0af'), ...notUtf8 },
  { what: 'the last of one byte in two', hex: noticeOf('c1bf'), ...notUtf8 },
  { what: 'a slash in three bytes', hex: noticeOf('e080af'), ...notUtf8 },
  { what: 'the last of two bytes in three', hex: noticeOf('e09fbf'), ...notUtf8 },
  { what: 'a slash in four bytes', hex: noticeOf('f08080af'), ...notUtf8 },
  { what: 'the last of three bytes in four', hex: noticeOf('f08fbfbf'), ...notUtf8 },
  { what: 'the first surrogate', hex: noticeOf('eda080'), ...notUtf8 },
  { what: 'the last surrogate', hex: noticeOf('edbfbf'), ...notUtf8 },
  { what: 'a pair of surrogates', hex: noticeOf('eda0bdedb3b1'), ...notUtf8 },
  { what: 'above the last character', hex: noticeOf('f4908080'), ...notUtf8 },
  { what: 'a first byte of f5', hex: noticeOf('f5808080'), ...notUtf8 },
  { what: 'five bytes', hex: noticeOf('f888808080'), ...notUtf8 },
  { what: 'six bytes', hex: noticeOf('fc8480808080'), ...notUtf8 },
  { what: 'fe', hex: noticeOf('fe'), ...notUtf8 },
  { what: 'ff', hex: noticeOf('ff'), ...notUtf8 },
];

export const refusedFrames: readonly RefusedFrame[] = [...header, ...values, ...lists, ...texts];
