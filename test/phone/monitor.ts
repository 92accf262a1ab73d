import { Requests } from './requests.js';

interface Reply {
  id?: number;
  return?: unknown;
  error?: { class: string; desc: string };
}

function parseReply(line: string): { id: number; value: unknown } | undefined {
  if (line.trim() === '') return undefined;
  const reply = JSON.parse(line) as Reply; // greetings and events have no id
  if (reply.id === undefined) return undefined;
  return { id: reply.id, value: reply.error ? new Error(`qemu: ${reply.error.desc}`) : reply.return };
}

/** QEMU's machine protocol (docs/interop/qmp-spec.txt). */
export class Monitor {
  private readonly requests: Requests<unknown>;

  private constructor(path: string) {
    this.requests = new Requests(path, parseReply);
  }

  static async open(path: string): Promise<Monitor> {
    const monitor = new Monitor(path);
    await monitor.execute('qmp_capabilities');
    return monitor;
  }

  execute(command: string, args: object = {}): Promise<unknown> {
    return this.requests.ask((id) => JSON.stringify({ execute: command, arguments: args, id }));
  }

  async status(): Promise<string> {
    return ((await this.execute('query-status')) as { status: string }).status;
  }

  async human(command: string): Promise<string> {
    return (await this.execute('human-monitor-command', { 'command-line': command })) as string;
  }

  close(): void {
    this.requests.close();
  }
}
