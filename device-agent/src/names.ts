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

/** The engine is built without regular expressions, and its iterators cost ten times what an index does. */
function isMadeOf(text: string, characters: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (!characters.includes(text.charAt(at))) return false;
  return text !== '';
}
