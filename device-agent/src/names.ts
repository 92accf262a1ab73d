const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const digits = '0123456789';

/** True for a name the kernel gives a module: what it has in place of `-` is `_`. */
export function isModuleName(name: string): boolean {
  return name.length <= 56 && isMadeOf(name, `${letters}${digits}_`);
}

/** True for an absolute path of plain characters without `..`. */
export function isPlainPath(path: string): boolean {
  const plain = path.length <= 1024 && isMadeOf(path, `${letters}${digits}/_.+~-:=,@%#`);
  return plain && path.startsWith('/') && !path.includes('..');
}

/** True for 16 bytes in hex. */
export function isToken(text: string): boolean {
  return text.length === 32 && isMadeOf(text, `${digits}abcdef`);
}

/** The engine is built without regular expressions. */
function isMadeOf(text: string, characters: string): boolean {
  return text !== '' && Array.from(text).every((character) => characters.includes(character));
}
