import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { serveAdb, serverEnv } from './adb-server.js';
import { buildAssets, findAssets, type Report } from './assets.js';
import type { Machine } from './machine.js';
import type { Kind, PhoneSpec } from './options.js';
import { runDir } from './paths.js';
import { connectPhone, disconnectPhone, startMachine } from './phone.js';
import * as registry from './registry.js';
import { ensureSnapshot } from './snapshot.js';
import { endProcess, isRunning } from './state.js';

export async function build(kinds: readonly Kind[], report: Report): Promise<void> {
  await buildAssets(kinds, report);
}

async function ensureServer(): Promise<registry.ServerRecord> {
  const known = await registry.readServer();
  if (known) return known;
  const home = join(runDir(), 'adb-home');
  const record = { ...(await serveAdb(home, true)), home };
  if (await registry.claimServer(record)) return record;
  await endProcess(record.process);
  return ensureServer();
}

/** Drops what is left of a phone that ended by itself; refuses the name of one that runs. */
async function claimName(name: string): Promise<void> {
  const known = await registry.readPhone(name);
  if (known && isRunning(known.process)) {
    const lines = (await exportLines([known])).trimEnd();
    throw new Error(`${name} is up already; "scripts/phone down ${name}" ends it, and these lines use it:\n${lines}`);
  }
  await registry.forgetPhone(name);
}

async function record(spec: PhoneSpec, machine: Machine, report: Report): Promise<registry.PhoneRecord> {
  const assets = await findAssets(spec, report);
  const { name, arch, layout, pages, kernel } = spec;
  const entry = {
    ...{ name, arch, layout, pages, kernel, release: assets.release },
    archivePath: assets.archivePath ?? null,
    koPath: assets.koPath ?? null,
    serial: `127.0.0.1:${await machine.adbPort()}`,
    process: machine.process,
  };
  await registry.writePhone(entry);
  return entry;
}

export async function up(spec: PhoneSpec, snapshots: boolean, report: Report): Promise<registry.PhoneRecord> {
  await claimName(spec.name);
  const began = performance.now();
  const assets = await findAssets(spec, report);
  const server = await ensureServer();
  report(`phone: starting ${spec.name} (${spec.arch}, ${spec.layout}, pages of ${spec.pages})`);
  const dir = registry.phoneDir(spec.name);
  const machine = await startMachine(spec, assets, { dir, detached: true, snapshots });
  try {
    const entry = await record(spec, machine, report);
    const wanted = spec.unauthorized ? 'unauthorized' : 'device';
    await connectPhone(server.port, entry.serial, wanted);
    report(`phone: ${spec.name} is ${entry.serial} after ${((performance.now() - began) / 1000).toFixed(1)} s`);
    await machine.release();
    return entry;
  } catch (error) {
    await machine.end();
    await registry.forgetPhone(spec.name);
    throw error;
  }
}

/** What a shell needs to find the phones: `eval "$(scripts/phone up)"`. */
export async function exportLines(phones: readonly registry.PhoneRecord[]): Promise<string> {
  const server = await ensureServer();
  const only = phones.length === 1 ? phones[0] : undefined;
  const lines = [`export ANDROID_ADB_SERVER_PORT=${server.port}`];
  if (only) lines.push(`export ANDROID_SERIAL=${only.serial}`);
  return `${lines.join('\n')}\n`;
}

async function downOne(phone: registry.PhoneRecord): Promise<void> {
  const server = await registry.readServer();
  // First, or the server keeps an "offline" device that a later phone on the same port would inherit.
  if (server) await disconnectPhone(server.port, phone.serial);
  await endProcess(phone.process);
  await registry.forgetPhone(phone.name);
}

export async function down(names: readonly string[] | 'all', report: Report): Promise<void> {
  const phones = await registry.readPhones();
  const unknown = names === 'all' ? [] : names.filter((name) => !phones.some((phone) => phone.name === name));
  if (unknown.length > 0) throw new Error(`no such phone: ${unknown.join(', ')}`);
  for (const phone of phones.filter((one) => names === 'all' || names.includes(one.name))) {
    await downOne(phone);
    report(`phone: ${phone.name} is down`);
  }
  if ((await registry.readPhones()).length > 0) return;
  const server = await registry.readServer();
  if (server) await endProcess(server.process);
  await registry.forgetServer();
}

export async function status(json: boolean): Promise<string> {
  const server = await registry.readServer();
  const phones = (await registry.readPhones()).map((phone) => ({ ...phone, running: isRunning(phone.process) }));
  if (json) return `${JSON.stringify({ adbServerPort: server?.port ?? null, phones }, null, 2)}\n`;
  const lines = phones.map(
    ({ name, serial, arch, layout, pages, kernel, running, process: { pid } }) =>
      `${name}\t${running ? 'running' : 'ended'}\t${serial}\t${arch}\t${layout}\t${pages}\t${kernel}\tpid ${pid}`,
  );
  return [`adb server: ${server ? `port ${server.port}` : 'none'}`, ...lines, ''].join('\n');
}

/** adb shell with our own terminal; resolves to its exit code. */
export async function shell(name: string, command: readonly string[]): Promise<number> {
  const phone = await registry.readPhone(name);
  const server = await registry.readServer();
  if (!phone || !server) throw new Error(`no such phone: ${name}`);
  const env = { ...process.env, ...serverEnv(server.port, server.home) };
  const child = spawn('adb', ['-s', phone.serial, 'shell', ...command], { stdio: 'inherit', env });
  const [code] = (await once(child, 'close')) as [number | null];
  return code ?? 1;
}

export async function saveSnapshot(spec: PhoneSpec, report: Report): Promise<string> {
  const assets = await findAssets(spec, report);
  const { arch, pages, memoryMiB } = spec;
  return ensureSnapshot({ arch, pages, memoryMiB, assets });
}
