import type { BootIdentity } from '@kheaders/shared';
import type { DeviceFile, Probe } from '../../host/src/device/probe.js';
import type { Session, Transfer } from '../../host/src/device/session.js';
import type { TransferReport } from '../../host/src/device/transfer-notes.js';
import type { TransferRequest } from '../../host/src/device/transfer-script.js';

/** A phone in memory: what its session does, and what was asked of it. */
export interface SessionScript {
  /** Called for each probe, counted from 1. */
  readonly probe: (round: number) => Probe | Promise<Probe>;
  /** Default: the phone does not tell which boot it is. */
  readonly boot?: BootIdentity;
  /** Called for each transfer, counted from 1. Throw what a phone's refusal throws. */
  readonly transfer?: (request: TransferRequest, round: number) => TransferScript | Promise<TransferScript>;
  readonly search?: () => readonly DeviceFile[];
}

export interface TransferScript {
  readonly bytes: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  readonly size?: number;
  readonly loaded?: boolean;
  readonly before?: readonly string[];
  readonly report?: Partial<TransferReport> | (() => Promise<TransferReport>);
}

export interface ScriptedSession extends Session {
  readonly calls: readonly string[];
  /** Transfers that are open now. */
  readonly open: () => number;
}

const quietReport: TransferReport = { unload: 'none', detail: '', after: [], output: '' };

export function scriptSession(script: SessionScript): ScriptedSession {
  const calls: string[] = [];
  let probes = 0;
  let transfers = 0;
  let open = 0;
  return {
    serial: 'PHONE1',
    calls,
    open: () => open,
    async openProbe() {
      calls.push('probe');
      probes += 1;
      const round = probes;
      return {
        boot: script.boot,
        async finish() {
          calls.push('whole probe');
          return script.probe(round);
        },
        [Symbol.asyncDispose]: async () => undefined,
      };
    },
    async searchModules() {
      calls.push('search');
      return script.search?.() ?? [];
    },
    async openTransfer(request, asRoot) {
      calls.push(`${request.kind}${asRoot ? ' as root' : ''}`);
      transfers += 1;
      if (script.transfer === undefined) throw new Error('this session has no transfer');
      const transfer = makeTransfer(await script.transfer(request, transfers), request, calls);
      open += 1;
      return { ...transfer, [Symbol.asyncDispose]: async () => void (open -= 1) };
    },
    [Symbol.asyncDispose]: async () => void calls.push('dispose'),
  };
}

function makeTransfer(script: TransferScript, request: TransferRequest, calls: string[]): Omit<Transfer, symbol> {
  const { bytes, size, loaded, before, report } = script;
  async function* payload(): AsyncGenerator<Buffer> {
    for await (const chunk of bytes) yield Buffer.from(chunk);
  }
  return {
    path: request.kind === 'module' ? (request.modules[0] ?? '') : request.path,
    size: size ?? 1000,
    loaded: loaded ?? false,
    before: before ?? [],
    bytes: payload(),
    async finish() {
      calls.push('finish');
      return typeof report === 'function' ? report() : { ...quietReport, ...report };
    },
  };
}

/** A kheaders.ko in the smallest ELF form that holds one: 64 bits, relocatable, little-endian. */
export function makeModule(archive: Uint8Array, release: string): Buffer {
  const names = '\0.rodata\0.modinfo\0.symtab\0.strtab\0';
  const strings = '\0kernel_headers_data\0kernel_headers_data_end\0';
  const symbols = [symbol(0, 0, 0), symbol(1, 1, 0), symbol(21, 1, archive.length)];
  const contents = [
    Buffer.alloc(0),
    Buffer.from(archive),
    Buffer.from(`vermagic=${release} SMP preempt mod_unload aarch64\0name=kheaders\0`),
    Buffer.concat(symbols),
    Buffer.from(strings),
    Buffer.from(names),
  ];
  const types = [0, 1, 1, 2, 3, 3];
  const nameAt = [0, 1, 9, 18, 26, 26];
  const body: Buffer[] = [];
  const table: Buffer[] = [];
  let offset = 64;
  contents.forEach((content, index) => {
    const header = Buffer.alloc(64);
    header.writeUInt32LE(nameAt[index] ?? 0, 0);
    header.writeUInt32LE(types[index] ?? 0, 4);
    header.writeBigUInt64LE(BigInt(offset), 24);
    header.writeBigUInt64LE(BigInt(content.length), 32);
    header.writeUInt32LE(index === 3 ? 4 : 0, 40);
    header.writeBigUInt64LE(index === 3 ? 24n : 0n, 56);
    table.push(header);
    body.push(content);
    offset += content.length;
  });
  const top = Buffer.alloc(64);
  top.write('\x7fELF\x02\x01\x01', 0, 'latin1');
  top.writeUInt16LE(1, 16);
  top.writeBigUInt64LE(BigInt(offset), 40);
  top.writeUInt16LE(64, 58);
  top.writeUInt16LE(contents.length, 60);
  top.writeUInt16LE(contents.length - 1, 62);
  return Buffer.concat([top, ...body, ...table]);
}

function symbol(name: number, section: number, value: number): Buffer {
  const entry = Buffer.alloc(24);
  entry.writeUInt32LE(name, 0);
  entry.writeUInt16LE(section, 6);
  entry.writeBigUInt64LE(BigInt(value), 8);
  return entry;
}
