import { frameMagic } from '@kheaders/shared';
import type { ShellProcess } from '../../host/src/adb/shell.js';
import { makeContext } from '../../host/src/core/context.js';
import { AgentLink } from '../../host/src/device/agent-link.js';
import { helloFrame } from '../support/agent-script.js';

/** A helper's process that says these pieces and ends. */
function scriptShell(pieces: Iterable<Uint8Array>): ShellProcess & { readonly closed: () => boolean } {
  let closed = false;
  async function* say(): AsyncGenerator<Buffer> {
    for (const piece of pieces) yield Buffer.from(piece);
  }
  return {
    stdout: say(),
    exit: () => ({ code: 0, stderr: '' }),
    write: () => undefined,
    closed: () => closed,
    [Symbol.asyncDispose]: async () => void (closed = true),
  };
}

/** What a helper says first. */
export const greeting = Buffer.concat([Buffer.from(frameMagic), helloFrame()]);

/** The host's end of a link to a helper that says these pieces behind its greeting, which is read already. */
export async function openLink(
  pieces: readonly Uint8Array[],
): Promise<{ readonly link: AgentLink; readonly shell: ReturnType<typeof scriptShell> }> {
  const shell = scriptShell([greeting, ...pieces]);
  const link = new AgentLink(shell, 1, makeContext());
  await link.hello();
  return { link, shell };
}
