import { LineSocket } from './line-socket.js';

interface Waiting<T> {
  done(value: T): void;
  fail(error: Error): void;
}

/** Numbered requests over one line socket; answers may come in any order. */
export class Requests<T> {
  private next = 1;
  private readonly waiting = new Map<number, Waiting<T>>();
  private socket: LineSocket | undefined;

  constructor(
    private readonly path: string,
    private readonly parse: (line: string) => { id: number; value: T | Error } | undefined,
  ) {}

  async open(): Promise<void> {
    if (this.socket && !this.socket.isClosed) return;
    this.socket = await LineSocket.open(
      this.path,
      (line) => this.settle(line),
      () => this.failAll(new Error(`${this.path} was closed`)),
    );
  }

  private settle(line: string): void {
    const answer = this.parse(line);
    const waiting = answer && this.waiting.get(answer.id);
    if (!answer || !waiting) return;
    this.waiting.delete(answer.id);
    if (this.waiting.size === 0) this.socket?.hold(false);
    if (answer.value instanceof Error) waiting.fail(answer.value);
    else waiting.done(answer.value);
  }

  private failAll(error: Error): void {
    for (const waiting of this.waiting.values()) waiting.fail(error);
    this.waiting.clear();
  }

  async ask(format: (id: number) => string): Promise<T> {
    await this.open();
    const id = this.next++;
    const answer = new Promise<T>((done, fail) => this.waiting.set(id, { done, fail }));
    this.socket?.hold(true);
    this.socket?.send(format(id));
    return answer;
  }

  close(): void {
    this.socket?.close();
  }
}
