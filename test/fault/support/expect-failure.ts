import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ServerScript, findClosedPort, startScriptedServer } from '../../support/adb-server-script.js';
import { type CliHost, assertCacheEmpty, makeHost, parseJsonLines, runCli } from '../../support/run-cli.js';

/** One way to fail, and how the CLI must show it. */
export interface Failure {
  readonly name: string;
  readonly code: string;
  readonly exit: number;
  /** Texts standard error must hold. */
  readonly says: readonly (RegExp | string)[];
  /** Default: `pull`. */
  readonly args?: readonly string[];
  /** Default: no server at all. */
  readonly server?: ServerScript;
  readonly env?: Readonly<Record<string, string>>;
  readonly prepare?: (host: CliHost) => Promise<void>;
  /** Facts `--json` must give. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Runs the CLI as a person and with `--json` and checks text, exit code, the JSON mirror and the cache. */
export function testFailure(failure: Failure): void {
  const { name, code, exit, says, args = ['pull'], server, env = {}, details = {} } = failure;
  test(`kheaders ${args.join(' ')}: ${name} is ${code}, exit ${exit}`, async (t) => {
    const port = server ? (await startScriptedServer(t, server)).port : await findClosedPort();
    const hosts = await Promise.all([makeHost(t, port), makeHost(t, port)]);
    for (const host of hosts) await failure.prepare?.(host);
    const [shown, mirrored] = await Promise.all([
      runCli(t, hosts[0], args, { env }),
      runCli(t, hosts[1], [...args, '--json'], { env }),
    ]);
    for (const host of hosts) await assertCacheEmpty(host);

    assert.equal(shown.code, exit, shown.stderr);
    assert.equal(shown.stdout, '');
    const first = shown.stderr.split('\n').find((line) => line.startsWith('kheaders: '));
    assert.ok(first?.endsWith(`[${code}]`), `the line that names the failure: ${shown.stderr}`);
    for (const text of says) assert.ok(has(shown.stderr, text), `${String(text)} is not in:\n${shown.stderr}`);
    assertHarmless(shown.stderr);

    assert.equal(mirrored.code, exit, mirrored.stderr);
    assert.doesNotMatch(mirrored.stderr, /^kheaders: /m);
    assertHarmless(mirrored.stderr);
    const [line, ...more] = parseJsonLines(mirrored.stdout);
    assert.deepEqual(more, []);
    assert.equal(line?.['ok'], false);
    const error = line?.['error'] as Record<string, unknown>;
    assert.deepEqual({ code: error['code'], exitCode: error['exitCode'] }, { code, exitCode: exit });
    const given = error['details'] as Record<string, unknown>;
    assert.deepEqual(Object.fromEntries(Object.keys(details).map((key) => [key, given[key]])), details);
    const next = error['next'] as readonly string[];
    for (const command of next) assert.ok(shown.stderr.includes(command), `both give the same advice: ${command}`);
  });
}

function has(text: string, part: RegExp | string): boolean {
  return typeof part === 'string' ? text.includes(part) : part.test(text);
}

/** Nothing that steers a terminal; not a terminal, so no colours and no status line either. */
export function assertHarmless(text: string): void {
  assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
}
