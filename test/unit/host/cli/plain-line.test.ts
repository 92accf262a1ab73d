import assert from 'node:assert/strict';
import { test } from 'node:test';
import yargs from 'yargs';
import { addCommonOptions, type RegisteredCommand } from '../../../../host/src/cli/command.js';
import { findCommand, loadCommands } from '../../../../host/src/cli/commands.js';
import { parsePlainLine } from '../../../../host/src/cli/plain-line.js';

type Args = Readonly<Record<string, unknown>>;

function parsePlain(command: RegisteredCommand, words: readonly string[]): Args | undefined {
  return parsePlainLine(words, (parser) => command.options(addCommonOptions(parser)));
}

/** What yargs makes of the same line; undefined where it complains. */
/** Parses a line of a command as yargs does; undefined where that complains. */
function makeYargsParser({ heading, options }: RegisteredCommand): (words: readonly string[]) => Args | undefined {
  const positionals = heading.split('\n', 1)[0]?.split(' ').slice(2, -1) ?? [];
  let seen: Args | undefined;
  const parser = addCommonOptions(yargs())
    .command({
      command: ['$0', ...positionals].join(' '),
      describe: '',
      builder: (inner) => options(inner as never) as typeof inner,
      handler: (args) => void (seen = args),
    })
    .strict()
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new Error(message);
    });
  return (words) => {
    seen = undefined;
    try {
      void parser.parse([...words]);
    } catch {
      return undefined;
    }
    return seen;
  };
}

/** Not yargs' own `$0` and `_`, a name with dashes, which stands there in camel case too, or an alias of one letter. */
function isOwn(name: string, { heading }: RegisteredCommand): boolean {
  return /^[a-z][A-Za-z]+$/.test(name) || heading.includes(`<${name}>`);
}

/** Lines of several words for each command, from all the words and values its options may have. */
function* linesFor(words: readonly string[]): Generator<readonly string[]> {
  yield [];
  for (const word of words) yield word.split(' ');
  for (const first of words) for (const second of words) yield [...first.split(' '), ...second.split(' ')];
}

const words = [
  ...['--json', '--no-json', '-q', '--quiet', '-v', '--no-color', '--cache /a/b', '--cache=c', '--json=false', '-qv'],
  ...['-s 0123', '--serial=-x', '--serial 1e5', '-s', '-t 7', '--transport-id 007', '-d', '--usb', '-e', '--no-tcp'],
  ...['-H host', '-P 5038', '--port=x', '--port 1.5', '-L tcp:a:1', '--all', '--root su', '--root=none', '--root x'],
  ...['--no-load', '--load', '--source live', '--source live carve', '--force', '--from-image a.img', '--no-agent'],
  ...['--timeout 3', '--timeout=0x10', '--wait', '--wait=5', '--wait 5', '--nothing', '--no-nothing', '-z', '--', '-'],
  ...['6.1.25', '6.1.25@abc', 'status', '"quoted"', '--keep 2', '--older-than 3d', '--dry-run', '--repair', 'a b', ''],
  ...[
    '--toString',
    '--__proto__',
    '--no-',
    '--=x',
    '---json',
    '--fromImage=x',
    '--help',
    '-h',
    '--version',
    '--exit-code',
  ],
];

test('parsePlainLine: what it gives for a line of any command is what yargs gives', async () => {
  let plain = 0;
  for (const command of await loadCommands()) {
    const parseByYargs = makeYargsParser(command);
    for (const line of linesFor(words)) {
      const args = parsePlain(command, line);
      if (args === undefined) continue;
      plain += 1;
      const byYargs = parseByYargs(line);
      assert.ok(byYargs !== undefined, `yargs complains about: ${command.name} ${line.join(' ')}`);
      const told = Object.entries(byYargs).filter(([name, value]) => isOwn(name, command) && value !== undefined);
      assert.deepEqual({ ...args }, Object.fromEntries(told), `${command.name} ${line.join(' ')}`);
    }
  }
  assert.ok(plain > 1000, `only ${plain} lines were plain`);
});

test('parsePlainLine takes the lines of scripts, and leaves to yargs what is not sure', async () => {
  const pull = await findCommand('pull');
  assert.ok(pull !== undefined);
  for (const line of [
    '',
    '--json',
    '-s X --no-load',
    '--all --json',
    '--from-image boot.img',
    '--wait=5 --timeout 60',
  ]) {
    assert.ok(parsePlain(pull, line.split(' ').filter(Boolean)) !== undefined, line);
  }
  for (const line of [
    '--help',
    '-s',
    '-s -x',
    '--json --json',
    '--all -s X',
    'stray',
    '--source live carve',
    '--wait',
    '--',
  ]) {
    assert.equal(parsePlain(pull, line.split(' ')), undefined, line);
  }
});

test('findCommand knows names and nothing else', async () => {
  assert.equal((await findCommand('pull'))?.name, 'pull');
  for (const name of [undefined, '', 'Pull', 'toString', '__proto__', '--json'])
    assert.equal(await findCommand(name), undefined);
  const commands = await loadCommands();
  for (const { name } of commands) assert.equal((await findCommand(name))?.name, name);
});
