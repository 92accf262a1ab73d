import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { frameMagic } from '@kheaders/shared';
import { findAgents, listAgentPaths } from '../../host/src/device/agent-files.js';
import { type ServerScript, type ShellHandler, startScriptedServer } from '../support/adb-server-script.js';
import {
  type AgentPeer,
  type AgentScript,
  agentBuild,
  goodGreeting,
  helloFrame,
  runAgent,
  writeAgentFolder,
} from '../support/agent-script.js';
import { type CliRun, assertCacheEmpty, listPublished, makeHost, parseJsonLines, runCli } from '../support/run-cli.js';
import { assertHarmless } from './support/expect-failure.js';
import { type PhoneScript, archive, phone, takeFile } from './support/phone-script.js';

interface Outcome extends CliRun {
  readonly peers: readonly AgentPeer[];
  readonly requests: readonly string[];
  readonly json: Record<string, any>;
  readonly published: number;
}

/** `kheaders pull --json` from a phone on which the helper is installed, unless its script says something else. */
async function pull(
  t: TestContext,
  script: PhoneScript,
  agent: Partial<AgentScript> | ShellHandler,
  server: ServerScript = {},
): Promise<Outcome> {
  const peers: AgentPeer[] = [];
  const onAgent: ShellHandler =
    typeof agent === 'function' ? agent : (shell) => void peers.push(runAgent(shell, { archive, ...agent }));
  let probe: PhoneScript['probe'] = {};
  const devices = () => [phone({ onAgent, ...script, probe: { ...probe, ...script.probe } })];
  const scripted = await startScriptedServer(t, { devices, ...server });
  const host = await makeHost(t, scripted.port);
  const folder = host.env['KHEADERS_AGENT_DIR']!;
  await writeAgentFolder(folder);
  probe = { agent: [listAgentPaths(findAgents(folder))[0]!] };
  const run = await runCli(t, host, ['pull', '--json']);
  assertHarmless(run.stderr);
  const json = parseJsonLines(run.stdout)[0] as Record<string, any>;
  const published = run.code === 0 ? (await listPublished(host)).length : 0;
  if (run.code !== 0) await assertCacheEmpty(host);
  return { ...run, peers, requests: scripted.requests, json, published };
}

test('kheaders pull: the helper on the phone does it, where it is', async (t) => {
  const { code, stderr, json, requests } = await pull(t, {}, {});
  assert.equal(code, 0, stderr);
  assert.deepEqual(json['phone'], { loaded: true, unloaded: 'ok', asFound: true, agent: agentBuild });
  assert.equal(stderr, '');
  // No service was opened for it: it took over the shell that had answered the probe.
  assert.deepEqual(
    requests.filter((request) => request.includes('--stdio')),
    [],
  );
});

test('kheaders pull: a helper that is missing is pushed first', async (t) => {
  const pushed: string[] = [];
  const { code, stderr, json } = await pull(
    t,
    { probe: { agent: [] } },
    {},
    {
      intercept: (request) => (request === 'sync:' && pushed.push(request), false),
    },
  );
  assert.equal(code, 0, stderr);
  assert.deepEqual([json['phone'].agent, pushed.length, stderr], [agentBuild, 1, '']);
});

/** Ways of the helper to be of no use before it has sent a byte of the archive. */
const unusable: readonly (readonly [string, PhoneScript, Partial<AgentScript> | ShellHandler, RegExp])[] = [
  [
    'it may not be run anywhere',
    {
      probe: { agent: [] },
      onInstall: (shell) => (shell.stdout('code=126\nversion=sh: \x1b[1mdenied\n'), shell.exit()),
    },
    {},
    /cannot be installed \(\/data\/local\/tmp: exit code 126, sh: \\x1b\[1mdenied; \/tmp: exit code 126/,
  ],
  [
    'it may not be run as root, 126',
    {},
    (shell) => (shell.stderr('sh: Permission denied\n'), shell.exit(126)),
    /did not start \(exit code 126, sh: Permission denied\)/,
  ],
  [
    'it is another build',
    {},
    { greeting: Buffer.concat([Buffer.from(frameMagic), helloFrame({ build: '\x1b[2J' })]) },
    /another version \(protocol 3, build \\x1b\[2J/,
  ],
  [
    'it speaks another protocol',
    {},
    { greeting: Buffer.concat([Buffer.from(frameMagic), helloFrame({ protocol: 99 })]) },
    /another version \(protocol 99/,
  ],
  ['it only talks', {}, { greeting: Buffer.alloc(80_000, 'WARNING\n') }, /no frames, only text/],
  [
    'its frames are none',
    {},
    { greeting: Buffer.concat([goodGreeting, Buffer.alloc(9, 0xff)]) },
    /does not keep to the protocol/,
  ],
  [
    'it dies before the payload',
    {},
    { intercept: (message, peer) => message.name === 'lease' && (peer.shell.exit(137), true) },
    /it ended \(exit code 137\)/,
  ],
  [
    'its daemon does not start',
    {},
    {
      intercept: (message, peer) =>
        message.name === 'lease' && (peer.refuse(message.id, { code: 'daemon', detail: 'exec: errno 13' }), true),
    },
    /it answered daemon: exec: errno 13/,
  ],
];
for (const [name, script, agent, says] of unusable) {
  test(`kheaders pull: a helper of no use (${name}) is told, and the shell does it`, async (t) => {
    const { code, stderr, json, published } = await pull(t, script, agent);
    assert.equal(code, 0, stderr);
    assert.deepEqual(json['phone'], { loaded: true, unloaded: 'ok', asFound: true });
    assert.equal(published, 1);
    const warnings = stderr.split('\n').filter((line) => line.startsWith('warning: '));
    assert.equal(warnings.length, 1, stderr);
    assert.match(
      warnings[0]!,
      /^warning: PHONE1: The helper on the phone is not used: .*; going on with the phone's own shell$/,
    );
    assert.match(warnings[0]!, says);
  });
}

test('kheaders pull: a folder that takes no file is passed over', async (t) => {
  const targets: string[] = [];
  const service = takeFile(({ target }) => {
    targets.push(target.replace(/new-.*/, ''));
    return target.startsWith('/data/') ? "couldn't create file: Read-only file system" : undefined;
  });
  const onAgent: ShellHandler = (shell) => {
    assert.match(shell.command, /exec \/tmp\/kheaders-agent-arm64-v8a-/);
    runAgent(shell, { archive });
  };
  const device = { ...phone({ onAgent }), service };
  const { code, stderr, json } = await pull(t, {}, {}, { devices: [device] });
  assert.equal(code, 0, stderr);
  assert.deepEqual(targets, ['/data/local/tmp/kheaders-agent-', '/tmp/kheaders-agent-']);
  assert.equal(json['phone'].agent, agentBuild);
});

test('kheaders pull --no-agent does not so much as look for the helper', async (t) => {
  const scripted = await startScriptedServer(t, { devices: [phone()] });
  const host = await makeHost(t, scripted.port);
  await writeAgentFolder(host.env['KHEADERS_AGENT_DIR']!);
  const { code, stdout, stderr } = await runCli(t, host, ['pull', '--no-agent', '--json']);
  assert.equal(code, 0, stderr);
  assert.equal('agent' in JSON.parse(stdout).phone, false);
  assert.equal(scripted.requests.filter((request) => request.includes('kheaders-agent')).length, 0);
});

test('kheaders pull: a package without helpers says nothing of it', async (t) => {
  const scripted = await startScriptedServer(t, { devices: [phone()] });
  const host = await makeHost(t, scripted.port);
  await mkdir(host.env['KHEADERS_AGENT_DIR']!);
  const { code, stderr } = await runCli(t, host, ['pull']);
  assert.deepEqual([code, stderr], [0, '']);
});

const back: ServerScript['intercept'] = (request, wire) =>
  request.includes(':wait-for-any-device') && (wire.okay(), wire.okay(), true);

/** The helper's first start ends after 200 bytes; the later ones send all that is asked for. */
function breakOnce(
  end: (peer: AgentPeer) => void,
  later: Partial<AgentScript> = {},
): { readonly onAgent: ShellHandler; readonly peers: AgentPeer[] } {
  const peers: AgentPeer[] = [];
  const first: AgentScript = {
    archive,
    intercept(message, peer) {
      if (message.name === 'read') {
        peer.sendData(message.id, 0, 200);
        end(peer);
      }
      return message.name === 'read' || message.name === 'release';
    },
  };
  return {
    peers,
    onAgent: (shell) => void peers.push(runAgent(shell, peers.length === 0 ? first : { archive, ...later })),
  };
}

for (const [name, end] of [
  ['a connection that breaks', (peer) => peer.shell.cut()],
  ['a helper that is killed', (peer) => peer.shell.exit(137)],
] as const satisfies readonly (readonly [string, (peer: AgentPeer) => void])[]) {
  test(`kheaders pull: ${name} in the middle of the payload is gone on with`, async (t) => {
    const { onAgent, peers } = breakOnce(end);
    const { code, stderr, json, published } = await pull(t, {}, onAgent, { intercept: back });
    assert.equal(code, 0, stderr);
    assert.equal(published, 1);
    assert.deepEqual(json['phone'], { loaded: true, unloaded: 'ok', asFound: true, agent: agentBuild });
    assert.match(
      stderr,
      new RegExp(
        `^warning: PHONE1: The connection broke after 200 of ${archive.length} bytes; going on from there$`,
        'm',
      ),
    );
    const read = peers[1]!.heard.find((message) => message.name === 'read');
    assert.deepEqual(read?.body, { path: '', offset: 200, digest: true });
  });
}

test('kheaders pull: other bytes after the break are archive-corrupt, and nothing is published', async (t) => {
  const other = Buffer.from(archive);
  other[100]! ^= 1;
  const { onAgent } = breakOnce((peer) => peer.shell.cut(), { archive: other });
  const { code, json } = await pull(t, {}, onAgent, { intercept: back });
  assert.equal(code, 30);
  assert.deepEqual([json['error'].code, json['error'].details.reason], ['archive-corrupt', 'digest']);
});

test('kheaders pull: a phone that lost its root meanwhile is device-lost', async (t) => {
  const { onAgent } = breakOnce((peer) => peer.shell.cut(), { uid: 2000 });
  const { code, json } = await pull(t, {}, onAgent, { intercept: back });
  assert.deepEqual([code, json['error'].code], [7, 'device-lost']);
});

test('kheaders pull: frames that break in the middle of the payload are device-failed', async (t) => {
  const { onAgent } = breakOnce((peer) => peer.shell.stdout(Buffer.alloc(9, 0xff)));
  const { code, json } = await pull(t, {}, onAgent, { intercept: back });
  assert.deepEqual([code, json['error'].code, json['error'].details.reason], [8, 'device-failed', 'framing']);
});
