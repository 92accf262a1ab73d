import { randomInt } from 'node:crypto';
import type { Outcome } from './exec.js';
import { Requests } from './requests.js';
import { withLimit } from './wait.js';

function decode(text: string | undefined): string {
  return !text || text === '=' ? '' : Buffer.from(text, 'base64').toString();
}

function parseAnswer(line: string, session: number): { id: number; value: Outcome } | undefined {
  const [tag, code, stdout, stderr] = line.split(' ');
  const [from, id] = (tag ?? '').split('.');
  if (from !== String(session)) return undefined; // an answer to somebody who has gone
  return { id: Number(id), value: { code: Number(code), stdout: decode(stdout), stderr: decode(stderr) } };
}

/** Emulation is slow, and several phones may share a processor. */
const ANSWER_MS = 120_000;

/** A root shell in the guest that goes neither through adbd nor through su (build/src/phone/root-console.c). */
export class RootLine {
  private readonly session = randomInt(2 ** 40);
  private readonly requests: Requests<Outcome>;

  constructor(path: string) {
    this.requests = new Requests(path, (line) => parseAnswer(line, this.session));
  }

  run(command: string): Promise<Outcome> {
    const encoded = Buffer.from(command).toString('base64') || '=';
    // The empty line ends whatever an earlier, interrupted client may have begun.
    const answer = this.requests.ask((id) => `\n${this.session}.${id} ${encoded}`);
    return withLimit(answer, ANSWER_MS, `answer of the phone to: ${command}`);
  }

  async check(command: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(command);
    if (code !== 0) throw new Error(`on the phone, code ${code}: ${command}\n${stderr}`);
    return stdout;
  }

  close(): void {
    this.requests.close();
  }
}
