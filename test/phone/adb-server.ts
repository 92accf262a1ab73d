import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exec, type Outcome } from './exec.js';
import { launch } from './launch.js';
import { endProcess, forgetAtExit, isRunning, type ProcessId } from './state.js';
import { waitFor } from './wait.js';

export interface AdbServer extends AsyncDisposable {
  readonly port: number;
  readonly home: string;
  /** For child processes: finds this server, and only this one. */
  readonly env: Record<string, string>;
  adb(...args: string[]): Promise<Outcome>;
  /** SIGKILL, as a crash. */
  kill(): Promise<void>;
  /** Ends it if it runs, and starts it again on the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export function serverEnv(port: number, home: string): Record<string, string> {
  return { ANDROID_ADB_SERVER_PORT: String(port), HOME: home };
}

/** The environment without what the user's own adb settings may say. */
function cleanEnv(env: Record<string, string>): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(ANDROID|ADB)_/.test(name));
  return { ...Object.fromEntries(kept), ...env };
}

export function runAdb(env: Record<string, string>, args: readonly string[], timeoutMs?: number): Promise<Outcome> {
  return exec('adb', args, { env: cleanEnv(env), ...(timeoutMs === undefined ? {} : { timeoutMs }) });
}

async function findFreePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done, fail) => probe.once('error', fail).listen(0, '127.0.0.1', done));
  const address = probe.address();
  await new Promise((done) => probe.close(done));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => done(true)).once('error', () => done(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Resolves to undefined when somebody else got the port first: adb then ends at once. */
async function tryServe(port: number, home: string, detached: boolean): Promise<ProcessId | undefined> {
  await mkdir(home, { recursive: true });
  const env = cleanEnv(serverEnv(port, home));
  // Without -a adb listens on the loopback address only.
  const args = ['-P', String(port), 'server', 'nodaemon'];
  const id = await launch('adb', args, { cwd: home, log: join(home, 'adb.log'), env, detached });
  const ready = await waitFor(`adb server on port ${port}`, 20_000, async () => {
    if (!isRunning(id)) return 'ended';
    return (await canConnect(port)) ? 'ready' : undefined;
  });
  // A port that answers belongs to us only if our process still lives.
  return ready === 'ready' && isRunning(id) ? id : undefined;
}

/** Starts a server on a free port. */
export async function serveAdb(home: string, detached: boolean): Promise<{ port: number; process: ProcessId }> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const port = await findFreePort();
    const id = await tryServe(port, home, detached);
    if (id) return { port, process: id };
  }
  throw new Error(`adb server does not start; see ${home}/adb.log`);
}

class PrivateAdbServer implements AdbServer {
  readonly env: Record<string, string>;

  constructor(
    readonly port: number,
    readonly home: string,
    private process: ProcessId,
  ) {
    this.env = serverEnv(port, home);
  }

  adb(...args: string[]): Promise<Outcome> {
    return runAdb(this.env, args);
  }

  async kill(): Promise<void> {
    await endProcess(this.process);
    forgetAtExit(this.process);
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.endSuccessor();
    this.process = await waitFor(`port ${this.port} for adb again`, 20_000, () =>
      tryServe(this.port, this.home, false),
    );
  }

  /** A client that found no server, kheaders among them, has started one on our port with our HOME: it is ours to end. */
  private async endSuccessor(): Promise<void> {
    if (await canConnect(this.port)) await this.adb('kill-server');
  }

  async stop(): Promise<void> {
    await this.kill();
    await this.endSuccessor();
    await rm(this.home, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** A private adb server for one test run: own port, own keys, gone with the process that started it. */
export async function startAdbServer(): Promise<AdbServer> {
  const home = await mkdtemp(join(tmpdir(), 'kheaders-adb-'));
  const { port, process } = await serveAdb(home, false);
  return new PrivateAdbServer(port, home, process);
}
