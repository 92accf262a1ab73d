import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from './publish.js';
import { runDir } from './paths.js';
import { isRunning, type ProcessId } from './state.js';

/** What `scripts/phone up` writes down for the other commands. */
export interface PhoneRecord {
  name: string;
  serial: string;
  arch: string;
  layout: string;
  pages: string;
  kernel: string;
  release: string;
  archivePath: string | null;
  koPath: string | null;
  process: ProcessId;
}

export interface ServerRecord {
  port: number;
  home: string;
  process: ProcessId;
}

export function phoneDir(name: string): string {
  return join(runDir(), 'phones', name);
}

function serverFile(): string {
  return join(runDir(), 'adb-server.json');
}

async function writeRecord(path: string, record: object): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  const staging = `${path}.${process.pid}`;
  await writeFile(staging, `${JSON.stringify(record, null, 2)}\n`);
  await rename(staging, path);
}

async function readRecord<T>(path: string): Promise<T | undefined> {
  if (!(await exists(path))) return undefined;
  return JSON.parse(await readFile(path, 'utf8')) as T;
}

export function writePhone(record: PhoneRecord): Promise<void> {
  return writeRecord(join(phoneDir(record.name), 'phone.json'), record);
}

export function readPhone(name: string): Promise<PhoneRecord | undefined> {
  return readRecord<PhoneRecord>(join(phoneDir(name), 'phone.json'));
}

export async function readPhones(): Promise<PhoneRecord[]> {
  const names = await readdir(join(runDir(), 'phones')).catch(() => []);
  const records = await Promise.all(names.sort().map(readPhone));
  return records.flatMap((record) => record ?? []);
}

export async function forgetPhone(name: string): Promise<void> {
  await rm(phoneDir(name), { recursive: true, force: true });
}

/** Resolves to false when another command has recorded its own server meanwhile: a link, unlike a rename, is exclusive. */
export async function claimServer(record: ServerRecord): Promise<boolean> {
  if (!(await readServer())) await forgetServer();
  const staging = `${serverFile()}.${process.pid}`;
  await writeRecord(staging, record);
  try {
    await link(staging, serverFile());
    return true;
  } catch {
    return false;
  } finally {
    await rm(staging, { force: true });
  }
}

/** The recorded server if it still runs. */
export async function readServer(): Promise<ServerRecord | undefined> {
  const record = await readRecord<ServerRecord>(serverFile());
  return record && isRunning(record.process) ? record : undefined;
}

export async function forgetServer(): Promise<void> {
  await rm(serverFile(), { force: true });
}
