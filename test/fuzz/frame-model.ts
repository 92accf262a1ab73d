import assert from 'node:assert/strict';
import { FrameReader, type Message, type WireCode, WireError } from '@kheaders/shared';

/** What a reader that is as it should be makes of the same bytes. */
export class FrameModel {
  readonly #reader = new FrameReader();
  readonly messages: Message[] = [];
  code: WireCode | undefined;

  push(bytes: Uint8Array): void {
    try {
      for (const message of this.#reader.push(bytes)) this.messages.push(message);
    } catch (error) {
      assert.ok(error instanceof WireError);
      this.code = error.code;
    }
  }

  get atBoundary(): boolean {
    return this.#reader.atBoundary;
  }
}
