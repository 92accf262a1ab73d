import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { findAgents, listAgentPaths } from '../../../../host/src/device/agent-files.js';
import {
  formatProbeRest,
  formatProbeScript,
  formatSearchScript,
  probeMiddle,
} from '../../../../host/src/device/probe-script.js';
import { parseProbe, parseSighting } from '../../../../host/src/device/probe.js';
import { TransferRefusal, readTransferHeader } from '../../../../host/src/device/transfer-header.js';
import { parseTransferNotes } from '../../../../host/src/device/transfer-notes.js';
import { type TransferRequest, formatTransferScript } from '../../../../host/src/device/transfer-script.js';
import { chunksOf } from '../../../support/archives.js';
import { temporaryDirectory } from '../../../support/temp.js';

/** What the scripts say on a phone is tested on the virtual phone; this is about their logic, in every shell there is. */
const shells = ['sh', 'bash', 'dash', 'mksh'].filter((name) => spawnSync(name, ['-c', ':']).status === 0);
const skip = process.platform !== 'linux' && 'the scripts need Linux tools';

const release = '6.1.25-android14-11';
const modules = [`/system_dlkm/lib/modules/${release}/kernel/kernel/kheaders.ko`, '/vendor/lib/modules/kheaders.ko'];
const requests: readonly TransferRequest[] = [
  { kind: 'live', path: '/sys/kernel/kheaders.tar.xz' },
  { kind: 'carve', path: "/a b/it's \n$(x)/kheaders.ko" },
  { kind: 'module', release, modules },
];

for (const shell of shells) {
  test(`formatProbeScript, formatSearchScript and formatTransferScript are accepted by ${shell} -n`, () => {
    for (const script of [
      formatProbeScript(),
      formatProbeScript(['/data/local/tmp/kheaders-agent-x', '/tmp/kheaders-agent-x']),
      formatProbeRest(),
      formatSearchScript(),
      ...requests.map((request) => formatTransferScript(request, true)),
    ]) {
      const { status, stderr } = spawnSync(shell, ['-n', '-c', script], { encoding: 'utf8' });
      assert.deepEqual([status, stderr], [0, ''], script);
      assert.equal(spawnSync(shell, ['-n', '-c', `${script}\nif`]).status === 0, false);
    }
  });

  test(`formatProbeScript run by ${shell} says what this machine is`, { skip }, async () => {
    const probe = (input: string): string =>
      spawnSync(shell, ['-c', formatProbeScript()], { encoding: 'utf8', input }).stdout;
    assert.ok(probe('').endsWith(`${probeMiddle}\n`), 'unasked it starts no program');
    assert.equal(probe('echo another command; exit 3\n').split('\n').at(-2), 'another command');
    const stdout = probe(`${formatProbeRest()}\n`);
    const version = (await readFile('/proc/version', 'utf8')).trim();
    const { identity, uid } = parseProbe(stdout);
    assert.equal(identity.procVersion, version);
    assert.equal(identity.machine, spawnSync('uname', ['-m'], { encoding: 'utf8' }).stdout.trim());
    assert.equal(uid, process.getuid?.());
  });
}

test('formatProbeScript: adb sends it in one TCP segment, whatever helpers there are', () => {
  const files = ['arm64-v8a', 'x86_64', 'armeabi-v7a', 'riscv64'].map((abi) => {
    return { abi, sha256: '', size: 1, name: `kheaders-agent-${abi}-${'0'.repeat(16)}` };
  });
  const shipped = findAgents(undefined)?.files ?? [];
  assert.ok(shipped.length <= files.length, 'an ABI is missing here');
  const paths = listAgentPaths({ build: '', files, folder: () => '' });
  const header = 24;
  const segment = 1448; // 1500 less the headers of IP and TCP, and the time stamp Linux puts into the latter
  assert.ok(header + `shell,v2,raw:${formatProbeScript(paths)}\0`.length <= segment);
  assert.ok(formatProbeRest().split('\n').length === 1);
});

for (const shell of shells) {
  test(`formatProbeScript in ${shell}: the first helper that can be run is found`, { skip }, async (t) => {
    const folder = await temporaryDirectory(t);
    const paths = ['none', 'data', 'folder', 'good', 'later'].map((name) => join(folder, name));
    const [, data, directory, good, later] = paths;
    await writeFile(data!, '');
    await mkdir(directory!);
    for (const path of [good!, later!]) await writeFile(path, '', { mode: 0o755 });
    const look = (): string | undefined =>
      parseSighting(spawnSync(shell, ['-c', formatProbeScript(paths)], { encoding: 'utf8', input: '' }).stdout, paths)
        ?.agent;
    assert.equal(look(), good);
    await chmod(good!, 0o644);
    assert.equal(look(), later);
    await chmod(later!, 0o644);
    assert.equal(look(), undefined);
  });
}

/** A machine made of files: /sys, /proc and the module tools are in one folder. */
interface Machine {
  readonly folder: string;
  readonly archive: string;
  readonly calls: () => Promise<string>;
  run(shell: string, request: TransferRequest): Promise<{ header: unknown; payload: string; notes: object }>;
}

async function makeMachine(t: TestContext, tools: Readonly<Record<string, string>> = {}): Promise<Machine> {
  const folder = await temporaryDirectory(t);
  for (const name of ['bin', 'sys', 'proc', 'module']) await mkdir(join(folder, name));
  await writeFile(join(folder, 'proc/modules'), 'binder 1 0 - Live 0x0\n');
  const archive = join(folder, 'sys/kheaders.tar.xz');
  const all = {
    insmod: `printf 'ARCHIVE\\n\\n' >${archive}; mkdir ${folder}/module/kheaders; echo 'kheaders 1 0' >>${folder}/proc/modules`,
    rmmod: `rm ${archive}; rmdir ${folder}/module/kheaders; echo 'binder 1 0' >${folder}/proc/modules`,
    modinfo: `echo '${release} SMP preempt aarch64'`,
    toybox: 'shift; exec flock "$@"',
    sleep: ':',
    ...tools,
  };
  for (const [name, body] of Object.entries(all)) {
    const path = join(folder, 'bin', name);
    await writeFile(path, `#!/bin/sh\n[ ${name} = sleep ] || echo "${name} $*" >>${folder}/calls\n${body}\n`);
    await chmod(path, 0o755);
  }
  return {
    folder,
    archive,
    calls: () => readFile(join(folder, 'calls'), 'utf8').catch(() => ''),
    async run(shell, request) {
      const script = formatTransferScript(request, false)
        .replaceAll('/sys/kernel/', `${folder}/sys/`)
        .replaceAll('/sys/module/', `${folder}/module/`)
        .replaceAll('/proc/', `${folder}/proc/`)
        .replaceAll(/\/sys\/fs\/cgroup|\/acct|\/dev\/cg2_bpf/g, '/nonexistent');
      const env = { PATH: `${folder}/bin:${process.env['PATH'] ?? ''}` };
      const { stdout, stderr, status } = spawnSync(shell, ['-c', script], { env, stdio: ['ignore', 'pipe', 'pipe'] });
      const source = chunksOf(stdout);
      const { header, rest } = await readTransferHeader(source).catch((error: unknown) => {
        if (!(error instanceof TransferRefusal)) throw error;
        assert.equal(status, 3);
        return { header: [error.kind, error.detail], rest: Buffer.alloc(0) };
      });
      return { header, payload: rest.toString(), notes: parseTransferNotes(stderr.toString()) };
    },
  };
}

async function makeModuleFile({ folder }: Machine, name = 'kheaders.ko'): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, 'KO');
  return path;
}

for (const shell of shells) {
  test(`formatTransferScript in ${shell}: reads a file that is there and nothing else`, { skip }, async (t) => {
    const machine = await makeMachine(t);
    await writeFile(machine.archive, 'LIVE\n\n');
    const { header, payload, notes } = await machine.run(shell, { kind: 'live', path: '/sys/kernel/kheaders.tar.xz' });
    assert.deepEqual(header, { path: machine.archive, size: 6, loaded: false, before: [] });
    assert.equal(payload, 'LIVE\n\n');
    assert.deepEqual(notes, { unload: 'none', detail: '', after: [], output: '' });
    assert.equal(await machine.calls(), '');
  });

  test(`formatTransferScript in ${shell}: loads the first fitting module, reads, unloads`, { skip }, async (t) => {
    const modinfo = `case $3 in *other*) echo "${release}-other SMP";; *) echo "${release} SMP";; esac`;
    const machine = await makeMachine(t, { modinfo });
    const other = await makeModuleFile(machine, 'other.ko');
    const ko = await makeModuleFile(machine);
    const { header, payload, notes } = await machine.run(shell, {
      kind: 'module',
      release,
      modules: [other, ko, '/never'],
    });
    assert.deepEqual(header, { path: ko, size: 9, loaded: true, before: ['binder'] });
    assert.equal(payload, 'ARCHIVE\n\n');
    assert.deepEqual(notes, { unload: 'ok', detail: '', after: ['binder'], output: '' });
    const calls = await machine.calls();
    assert.match(calls, /insmod .*kheaders\.ko\n(.*\n)*rmmod kheaders\n$/);
  });

  test(`formatTransferScript in ${shell}: a module that somebody else loaded stays loaded`, { skip }, async (t) => {
    const machine = await makeMachine(t);
    await writeFile(machine.archive, 'THEIRS');
    const ko = await makeModuleFile(machine);
    const { header, payload } = await machine.run(shell, { kind: 'module', release, modules: [ko] });
    assert.deepEqual(header, { path: machine.archive, size: 6, loaded: false, before: ['binder'] });
    assert.equal(payload, 'THEIRS');
    assert.doesNotMatch(await machine.calls(), /insmod|rmmod/);
  });

  test(`formatTransferScript in ${shell}: "File exists" is not ours`, { skip }, async (t) => {
    const machine = await makeMachine(t);
    const insmod = `printf RACED >${machine.archive}; echo "insmod: failed to load $1: File exists" >&2; exit 1`;
    await writeFile(join(machine.folder, 'bin/insmod'), `#!/bin/sh\n${insmod}\n`);
    const ko = await makeModuleFile(machine);
    const { header, payload } = await machine.run(shell, { kind: 'module', release, modules: [ko] });
    assert.deepEqual([(header as { loaded: boolean }).loaded, payload], [false, 'RACED']);
    assert.doesNotMatch(await machine.calls(), /rmmod/);
  });

  test(`formatTransferScript in ${shell}: refusals say why and leave nothing loaded`, { skip }, async (t) => {
    const refuse = async (tools: Readonly<Record<string, string>>): Promise<unknown> => {
      const machine = await makeMachine(t, tools);
      const { header } = await machine.run(shell, {
        kind: 'module',
        release,
        modules: [await makeModuleFile(machine)],
      });
      assert.equal(await readFile(machine.archive, 'utf8').catch(() => 'none'), 'none');
      return header;
    };
    const [kind, detail] = (await refuse({ modinfo: 'echo 6.1.25-android14 SMP' })) as string[];
    assert.equal(kind, 'vermagic');
    assert.match(detail ?? '', /kheaders\.ko \(6\.1\.25-android14 SMP\);$/);
    assert.deepEqual(await refuse({ insmod: 'echo "insmod: Permission denied" >&2; exit 1' }), [
      'load',
      'insmod: Permission denied',
    ]);
    assert.deepEqual(await refuse({ insmod: ':', rmmod: ':' }), ['load', 'the module is loaded but shows no archive']);
  });

  test(
    `formatTransferScript in ${shell}: a module that does not go is reported with rmmod's words`,
    { skip },
    async (t) => {
      const machine = await makeMachine(t, { rmmod: 'echo "rmmod: busy" >&2; exit 1' });
      const request = { kind: 'module', release, modules: [await makeModuleFile(machine)] } as const;
      const { notes } = await machine.run(shell, request);
      assert.deepEqual(notes, { unload: 'failed', detail: 'rmmod: busy', after: ['binder', 'kheaders'], output: '' });
    },
  );

  test(
    `formatTransferScript in ${shell}: modprobe -d where there is a modules.dep and insmod fails`,
    { skip },
    async (t) => {
      const machine = await makeMachine(t, { insmod: 'echo "insmod: no" >&2; exit 1' });
      await writeFile(
        join(machine.folder, 'bin/modprobe'),
        `#!/bin/sh\necho "$*" >${machine.folder}/probed\nprintf P >${machine.archive}\n`,
      );
      await chmod(join(machine.folder, 'bin/modprobe'), 0o755);
      const tree = join(machine.folder, 'lib');
      await mkdir(join(tree, 'kernel/kernel'), { recursive: true });
      await writeFile(join(tree, 'modules.dep'), '');
      await symlink(await makeModuleFile(machine), join(tree, 'kernel/kernel/kheaders.ko'));
      const { payload } = await machine.run(shell, {
        kind: 'module',
        release,
        modules: [join(tree, 'kernel/kernel/kheaders.ko')],
      });
      assert.equal(payload, 'P');
      assert.equal(await readFile(join(machine.folder, 'probed'), 'utf8'), `-d ${tree} kheaders\n`);
    },
  );
}
