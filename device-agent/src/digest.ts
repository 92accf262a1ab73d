import * as native from 'native';

/** A running sha256, computed by our C: in JavaScript it would be a hundred times slower than the file. */
export class Digest {
  readonly #state = new ArrayBuffer(native.SHA256_STATE);

  update(buffer: ArrayBuffer, offset: number, length: number): void {
    native.sha256(this.#state, buffer, offset, length);
  }

  /** 32 bytes. */
  finish(): ArrayBuffer {
    return native.sha256(this.#state, null);
  }
}
