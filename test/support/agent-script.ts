import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  FrameReader,
  type Message,
  type MessageBody,
  type MessageName,
  encodeFrame,
  frameMagic,
  protocolVersion,
} from '@kheaders/shared';
import type { ScriptedShell } from './adb-server-script.js';

export const agentBuild = '0123456789abcdef';

/** Writes a folder of helper programs as scripts/build-agent does; scripted phones do not run them. */
export async function writeAgentFolder(folder: string, abi = 'arm64-v8a'): Promise<void> {
  const bytes = Buffer.from('the helper');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, abi), bytes);
  const entry = { sha256, size: bytes.length };
  await writeFile(join(folder, 'agents.json'), JSON.stringify({ build: agentBuild, agents: { [abi]: entry } }));
}

/** The helper on a scripted phone: what it does in place of what a good one does. */
export interface AgentScript {
  /** What it says first. Default: magic and hello. */
  readonly greeting?: Uint8Array;
  /** The archive; sent in data messages of `pieceBytes`. */
  readonly archive: Uint8Array;
  readonly pieceBytes?: number;
  /** Default: path of the first module asked for, `ours`. */
  readonly leased?: Partial<MessageBody<'leased'>>;
  readonly released?: Partial<MessageBody<'released'>>;
  readonly state?: Partial<MessageBody<'state'>>;
  /** uid it runs as; default 0. */
  readonly uid?: number;
  /** Takes a request over; return true if it was answered, or is to stay without an answer. */
  readonly intercept?: (message: Message, peer: AgentPeer) => boolean;
}

/** One running helper, seen from itself. */
export interface AgentPeer {
  readonly shell: ScriptedShell;
  /** Every message of the host so far. */
  readonly heard: readonly Message[];
  send(name: MessageName, id: number, body: object): void;
  refuse(id: number, body: Partial<MessageBody<'error'>> & { readonly code: MessageBody<'error'>['code'] }): void;
  /** Data messages of the archive from `from` up to `to`. */
  sendData(id: number, from: number, to: number): void;
}

export const helloFrame = (body: Partial<MessageBody<'hello'>> = {}): Buffer =>
  Buffer.from(
    encodeFrame({
      name: 'hello',
      id: 0,
      body: { protocol: protocolVersion, build: agentBuild, sender: 'agent', ...body },
    }),
  );
export const goodGreeting = Buffer.concat([Buffer.from(frameMagic), helloFrame()]);

/** Runs the helper on a scripted shell: it speaks the protocol through the same code as the real one. */
export function runAgent(shell: ScriptedShell, script: AgentScript): AgentPeer {
  const heard: Message[] = [];
  const reader = new FrameReader();
  const { archive, pieceBytes = 64 * 1024 } = script;
  const send: AgentPeer['send'] = (name, id, body) => shell.stdout(encodeFrame({ name, id, body } as Message));
  const peer: AgentPeer = {
    shell,
    heard,
    send,
    refuse: (id, body) => send('error', id, { errno: 0, path: '', detail: '', ...body }),
    sendData(id, from, to) {
      for (let at = from; at < to; at += pieceBytes) {
        send('data', id, { bytes: archive.subarray(at, Math.min(to, at + pieceBytes)) });
      }
    },
  };
  shell.stdout(script.greeting ?? goodGreeting);
  shell.onInput((bytes) => {
    if (bytes === undefined) return shell.exit(0);
    for (const message of reader.push(bytes)) {
      heard.push(message);
      if (script.intercept?.(message, peer) !== true) answer(message, peer, script);
    }
  });
  return peer;
}

function answer(message: Message, peer: AgentPeer, script: AgentScript): void {
  const { id } = message;
  const { archive, uid = 0 } = script;
  switch (message.name) {
    case 'hello':
      return;
    case 'channel':
      return peer.refuse(id, { code: 'io', errno: 1 });
    case 'lease': {
      if (uid !== 0) return peer.refuse(id, { code: 'not-root', detail: `uid ${uid}` });
      const { paths, archives } = message.body;
      const usual = { path: paths[0] ?? '', archive: archives[0] ?? '', size: archive.length, ours: true };
      return peer.send('leased', id, { ...usual, before: ['binder'], ...script.leased });
    }
    case 'stat': {
      const size = message.body.path === '/proc/self/' ? 0 : archive.length;
      return peer.send('fileInfo', id, { size, mode: 0o100444, uid });
    }
    case 'read': {
      const { offset, digest } = message.body;
      peer.sendData(id, offset, archive.length);
      return peer.send('end', id, {
        size: archive.length,
        digest: digest ? createHash('sha256').update(archive).digest() : new Uint8Array(),
      });
    }
    case 'release':
      return peer.send('released', id, { unload: 'ok', detail: '', after: ['binder'], ...script.released });
    case 'status': {
      const idle = { build: agentBuild, daemon: 0, guard: 0, memory: 0, milliseconds: 0, detached: false };
      return peer.send('state', id, { ...idle, modules: [], leases: [], ...script.state });
    }
    default:
      return peer.send('done', id, {});
  }
}
