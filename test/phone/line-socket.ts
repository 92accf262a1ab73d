import { connect, type Socket } from 'node:net';
import { waitFor } from './wait.js';

/** Longest path that fits into the kernel's struct sockaddr_un. */
const MAX_SOCKET_PATH = 107;

function tryConnect(path: string): Promise<Socket | undefined> {
  return new Promise((done) => {
    const socket = connect(path);
    socket.once('connect', () => done(socket));
    socket.once('error', () => done(undefined));
  });
}

/** A unix socket that speaks lines. It does not keep the process alive while nothing is awaited. */
export class LineSocket {
  private closed = false;
  private readonly chunks: string[] = [];

  private constructor(
    private readonly socket: Socket,
    private readonly onLine: (line: string) => void,
    private readonly onClose: () => void,
  ) {
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.receive(text));
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.closed = true;
      this.onClose();
    });
    socket.unref();
  }

  static async open(path: string, onLine: (line: string) => void, onClose: () => void): Promise<LineSocket> {
    if (Buffer.byteLength(path) > MAX_SOCKET_PATH) throw new Error(`too long for a socket: ${path}`);
    const socket = await waitFor(`socket ${path}`, 10_000, () => tryConnect(path));
    return new LineSocket(socket, onLine, onClose);
  }

  private receive(text: string): void {
    const lines = text.split('\n');
    this.chunks.push(lines.shift() ?? '');
    for (const line of lines) {
      const whole = this.chunks.splice(0).join('');
      this.chunks.push(line);
      this.onLine(whole);
    }
  }

  get isClosed(): boolean {
    return this.closed;
  }

  send(line: string): void {
    this.socket.write(`${line}\n`);
  }

  /** While something is awaited, the process must not end. */
  hold(held: boolean): void {
    if (held) this.socket.ref();
    else this.socket.unref();
  }

  close(): void {
    this.socket.destroy();
  }
}
