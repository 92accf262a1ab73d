import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { findAgents, listAgentPaths } from '../../host/src/device/agent-files.js';
import { type ShellHandler, startScriptedServer } from '../support/adb-server-script.js';
import { type AgentScript, agentBuild, runAgent, writeAgentFolder } from '../support/agent-script.js';
import { makeHost, parseJsonLines, runCli } from '../support/run-cli.js';
import { assertHarmless, testFailure } from './support/expect-failure.js';
import { type PhoneScript, listText, phone } from './support/phone-script.js';

const lease = { holder: 'me@\x1b[31mhost pid 7', pid: 99, module: 'kheaders', milliseconds: 1234 };
const state = {
  build: agentBuild,
  daemon: 55,
  guard: 56,
  memory: 2000,
  milliseconds: 65_000,
  detached: true,
  modules: ['kheaders'],
  leases: [lease],
};

/** A phone that has our files, and perhaps a daemon. */
class Phone {
  files: string[];
  running: boolean;
  readonly asked: string[] = [];
  readonly #agent: Partial<AgentScript>;

  constructor(files: readonly string[], running: boolean, agent: Partial<AgentScript> = {}) {
    this.files = [...files];
    this.running = running;
    this.#agent = agent;
  }

  script(): PhoneScript {
    const onList: ShellHandler = (shell) => {
      if (shell.command.includes('rm -f')) this.files = [];
      shell.stdout(listText(this.files, this.running));
      shell.exit();
    };
    const onAgent: ShellHandler = (shell) => {
      runAgent(shell, {
        archive: Buffer.alloc(0),
        state: this.running ? state : {},
        intercept: (message) => {
          this.asked.push(message.name);
          if (message.name === 'shutdown') this.running = false;
          return false;
        },
        ...this.#agent,
      });
    };
    return { onList, onAgent, probe: { agent: this.files.slice(0, 1) } };
  }
}

async function run(t: TestContext, device: Phone, ...args: string[]) {
  const scripted = await startScriptedServer(t, { devices: () => [phone(device.script())] });
  const host = await makeHost(t, scripted.port);
  await writeAgentFolder(host.env['KHEADERS_AGENT_DIR']!);
  const result = await runCli(t, host, ['agent', ...args]);
  assertHarmless(result.stderr);
  assertHarmless(result.stdout.replaceAll('\t', ' '));
  return { ...result, requests: scripted.requests };
}

/** The path that the helper of writeAgentFolder() gets. */
async function findPath(t: TestContext): Promise<string> {
  const host = await makeHost(t, 1);
  await writeAgentFolder(host.env['KHEADERS_AGENT_DIR']!);
  return listAgentPaths(findAgents(host.env['KHEADERS_AGENT_DIR']))[0]!;
}

test('kheaders agent status: nothing there, and nothing is started or asked for', async (t) => {
  const { code, stdout, requests } = await run(t, new Phone(['/tmp/kheaders-agent-x86_64-0ld'], false), 'status');
  assert.equal(code, 0);
  assert.equal(
    stdout,
    'device         PHONE1\ninstalled      no\nother version  /tmp/kheaders-agent-x86_64-0ld\nrunning        no\n',
  );
  assert.equal(requests.filter((request) => /su -c|--stdio|kheaders-probe/.test(request)).length, 0);
});

test('kheaders agent status: file, processes, and who holds a module', async (t) => {
  const path = await findPath(t);
  const device = new Phone([path], true);
  const { stdout, stderr } = await run(t, device, 'status');
  assert.match(stdout, new RegExp(`^installed  ${path} \\(build ${agentBuild}\\)$`, 'm'), stderr);
  assert.match(stdout, /^running {4}process 55, guard 56, 2\.05 MB, for 65 s, build 0123456789abcdef, outlives adbd$/m);
  assert.match(stdout, /^lease {6}kheaders, held by me@\\x1b\[31mhost pid 7 for 1\.2 s \(process 99\)$/m);
  assert.deepEqual(device.asked, ['hello', 'status']);
  const { stdout: json } = await run(t, device, 'status', '--json');
  const { milliseconds, ...rest } = JSON.parse(json).daemon;
  assert.equal(milliseconds, 65_000);
  assert.deepEqual(rest, {
    build: agentBuild,
    pid: 55,
    guard: 56,
    memory: 2_048_000,
    detached: true,
    modules: ['kheaders'],
    leases: [lease],
  });
});

test('kheaders agent status without root says that it runs, and no more', async (t) => {
  const path = await findPath(t);
  const device = new Phone([path], true);
  const { code, stdout } = await run(t, device, 'status', '--root', 'none', '--json');
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(stdout), {
    ok: true,
    serial: 'PHONE1',
    model: 'Pixel_8',
    installed: { path, build: agentBuild },
    others: [],
    running: true,
    daemon: null,
  });
  assert.deepEqual(device.asked, []);
});

test('kheaders agent stop ends a daemon, and one that is not there is no failure', async (t) => {
  const device = new Phone([await findPath(t)], true);
  const first = await run(t, device, 'stop');
  assert.deepEqual([first.code, first.stdout, first.stderr], [0, 'not running\n', '']);
  assert.ok(device.asked.includes('shutdown'));
  const { code, stdout } = await run(t, new Phone([], false), 'stop', '--json');
  assert.deepEqual([code, JSON.parse(stdout).stopped], [0, true]);
});

test('kheaders agent install prints the path, and pushes only what is not there', async (t) => {
  const path = await findPath(t);
  const fresh = await run(t, new Phone([], false), 'install');
  assert.deepEqual([fresh.code, fresh.stdout], [0, `${path}\n`]);
  assert.ok(fresh.requests.includes('sync:'));
  const again = await run(t, new Phone([path], false), 'install', '--json');
  assert.deepEqual(JSON.parse(again.stdout), { ok: true, serial: 'PHONE1', path, pushed: false });
  assert.equal(again.requests.includes('sync:'), false);
});

test('kheaders agent uninstall ends the daemon and takes every file away', async (t) => {
  const files = [await findPath(t), '/data/local/tmp/kheaders-agent-x86_64-0ld'];
  const device = new Phone(files, true);
  const { code, stdout, stderr } = await run(t, device, 'uninstall');
  assert.deepEqual([code, stdout, stderr], [0, files.map((path) => `removed\t${path}\n`).join(''), '']);
  assert.deepEqual([device.files, device.running], [[], false]);
  const { stdout: json } = await run(t, device, 'uninstall', '--json');
  assert.deepEqual(JSON.parse(json), { ok: true, serial: 'PHONE1', removed: [], left: [], stopped: true });
});

test('kheaders agent uninstall takes the files of another version away although its daemon cannot be asked', async (t) => {
  const files = ['/data/local/tmp/kheaders-agent-x86_64-0ld'];
  const { code, stdout, stderr } = await run(t, new Phone(files, true), 'uninstall', '--json');
  assert.deepEqual([code, JSON.parse(stdout).removed, JSON.parse(stdout).stopped], [0, files, false], stderr);
});

test('kheaders agent: failures of the helper are agent-refused, exit 26', async (t) => {
  const path = await findPath(t);
  for (const [device, args, says] of [
    [new Phone(['/tmp/kheaders-agent-x86_64-0ld'], true), ['stop'], 'not-installed'],
    [
      new Phone([path], true, {
        intercept: (message, peer) => (peer.refuse(message.id, { code: 'bad-version' }), true),
      }),
      ['status'],
      'version',
    ],
    [
      new Phone([path], true, {
        intercept: (message, peer) => message.name === 'status' && (peer.refuse(message.id, { code: 'daemon' }), true),
      }),
      ['status'],
      'refused',
    ],
  ] as const) {
    const { code, stdout } = await run(t, device, ...args, '--json');
    const { error } = parseJsonLines(stdout)[0] as { error: Record<string, any> };
    assert.deepEqual(
      [code, error['code'], error['details'].reason, error['details'].serial],
      [26, 'agent-refused', says, 'PHONE1'],
    );
  }
});

testFailure({
  name: 'a package without helpers',
  args: ['agent', 'install'],
  server: { devices: [phone()] },
  code: 'agent-refused',
  exit: 26,
  says: ['built without helper programs', 'scripts/build-agent', '--no-agent'],
  details: { serial: 'PHONE1', reason: 'not-shipped' },
});

testFailure({
  name: 'a phone that lists nothing',
  args: ['agent', 'status'],
  server: { devices: [phone({ onList: (shell) => (shell.stdout('sh: \x1b[31mno\n'), shell.exit(1)) })] },
  code: 'device-failed',
  exit: 8,
  says: ['did not list its files'],
});

testFailure({
  name: 'an action there is not',
  args: ['agent', 'frobnicate'],
  code: 'usage',
  exit: 2,
  says: ['status'],
});
