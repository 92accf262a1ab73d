import assert from 'node:assert/strict';
import { type Elf, parseElf } from '../../../host/src/image/elf.js';

/** A copy of a module with some of its bytes changed. */
export class PatchedModule {
  readonly bytes: Buffer;
  readonly #elf: Elf;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes);
    this.#elf = parseElf(this.bytes);
  }

  /** Puts a text in place of another of the same length, or of a longer one that ends with a NUL. */
  replace(section: string, from: string, to: string): this {
    const { offset, size } = this.#find(section);
    const at = this.bytes.indexOf(Buffer.from(from, 'latin1'), offset);
    assert.ok(at >= offset && at + from.length <= offset + size, `${from} is in ${section}`);
    this.bytes.write(to.padEnd(from.length, '\0'), at, 'latin1');
    return this;
  }

  /** Changes the CRC a symbol was built against: the word before its name in __versions (struct modversion_info). */
  changeCrc(symbol: string, change: (crc: number) => number): this {
    const { offset } = this.#find('__versions');
    const at = this.bytes.indexOf(Buffer.from(`${symbol}\0`, 'latin1'), offset) - 8;
    assert.ok(at >= offset && (at - offset) % 64 === 0, `${symbol} has a CRC`);
    this.bytes.writeUInt32LE(change(this.bytes.readUInt32LE(at)) >>> 0, at);
    return this;
  }

  /** e_machine of the ELF header. */
  setMachine(machine: number): this {
    this.bytes.writeUInt16LE(machine, 18);
    return this;
  }

  /** sh_size of a section. */
  growSection(name: string, bytes: number): this {
    const index = this.#elf.sections.findIndex((section) => section.name === name);
    const at = Number(this.bytes.readBigUInt64LE(40)) + index * 64 + 32;
    assert.equal(Number(this.bytes.readBigUInt64LE(at)), this.#find(name).size);
    this.bytes.writeBigUInt64LE(BigInt(this.#find(name).size + bytes), at);
    return this;
  }

  #find(name: string): { readonly offset: number; readonly size: number } {
    const section = this.#elf.sections.find((each) => each.name === name);
    assert.ok(section, `a section ${name}`);
    return section;
  }
}
