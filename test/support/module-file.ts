/** What a made module file is like; every part has a value without which it is sound. */
export interface MadeModule {
  readonly bits?: 32 | 64;
  /** Bytes in front of the sections, where a real one has its code and the archive. */
  readonly before?: number;
  /** The texts of its .modinfo. */
  readonly info?: readonly string[];
  /** The names of its sections, from the second on, which holds the texts; the last one is the table of names. */
  readonly sections?: readonly string[];
}

/** A file that is like a module as far as its section table goes, little-endian: System V ABI, chapter 4. */
export function makeModule({
  bits = 64,
  before = 0,
  info = ['license=GPL', 'vermagic=1.2.3 SMP'],
  sections = ['.modinfo', '.shstrtab'],
}: MadeModule = {}): Buffer {
  const wide = bits === 64;
  const names = Buffer.from(['', ...sections, ''].join('\0'));
  const texts = Buffer.from(info.map((text) => `${text}\0`).join(''));
  const header = Buffer.alloc(wide ? 64 : 52);
  const start = header.length + before;
  const table = [entry(0, 0, 0), ...sections.map((name, at) => place(name, at === sections.length - 1))];
  header.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, 1, 1]);
  header.writeUInt16LE(1, 16);
  header.writeUInt32LE(start + texts.length + names.length, wide ? 40 : 32);
  const fields = wide ? 58 : 46;
  header.writeUInt16LE(wide ? 64 : 40, fields);
  header.writeUInt16LE(table.length, fields + 2);
  header.writeUInt16LE(table.length - 1, fields + 4);
  return Buffer.concat([header, Buffer.alloc(before), texts, names, ...table]);

  function place(name: string, isNames: boolean): Buffer {
    const [offset, size] = isNames ? [start + texts.length, names.length] : [start, texts.length];
    return entry(names.indexOf(`\0${name}\0`) + 1, offset, size);
  }

  function entry(name: number, offset: number, size: number): Buffer {
    const bytes = Buffer.alloc(wide ? 64 : 40);
    bytes.writeUInt32LE(name, 0);
    bytes.writeUInt32LE(offset, wide ? 24 : 16);
    bytes.writeUInt32LE(size, wide ? 32 : 20);
    return bytes;
  }
}
