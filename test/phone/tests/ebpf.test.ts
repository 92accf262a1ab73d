import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exec, type Outcome } from '../exec.js';
import type { Arch } from '../phone.js';
import { bin, cleanEnv } from './cli.js';
import { findEbpfTools, phoneBpftool, withBpftool } from './ebpf-tools.js';
import { type Bench, phoneTest, useAdbServer } from './phone-test.js';

useAdbServer();

/** <asm/fcntl.h>: the two differ, so a macro of the wrong headers shows. */
const directFlag: Readonly<Record<Arch, number>> = { x86_64: 0o40000, arm64: 0o200000 };

const bpftraceProgram = `#include <linux/sched.h>
#include <linux/fs.h>
kprobe:vfs_read { printf("%d %d", ((struct task_struct *)curtask)->pid, O_DIRECT); }
`;

const bccProgram = `from bcc import BPF
print(BPF(text=r'''
#include <linux/sched.h>
#include <linux/fs.h>
#include <linux/ptrace.h>
int probe(struct pt_regs *ctx) {
  struct task_struct *task = (struct task_struct *)bpf_get_current_task();
  struct file *file = (struct file *)PT_REGS_PARM1(ctx);
  bpf_trace_printk("%d %d", task->pid, file->f_flags & O_DIRECT);
  return 0;
}
''').dump_func('probe').hex())
`;

const clangProgram = `#include <linux/sched.h>
#include <linux/fs.h>
#include <linux/ptrace.h>
#define SEC(name) __attribute__((section(name), used))
static long (*probe_read_kernel)(void *to, unsigned int size, const void *from) = (void *)113;
static unsigned long (*get_current_task)(void) = (void *)35;
char LICENSE[] SEC("license") = "GPL";
SEC("kprobe/vfs_read")
int on_read(struct pt_regs *ctx)
{
	struct task_struct *task = (void *)get_current_task();
	int pid = 0;

	probe_read_kernel(&pid, sizeof(pid), &task->pid);
	return pid & O_DIRECT;
}
`;

/** Runs a line of a plain shell with nothing of the environment but what the CLI and the tools need to be found. */
async function runLine(bench: Bench, tools: string, line: string): Promise<Outcome> {
  const kheaders = `kheaders() { '${process.execPath}' '${bin}' "$@"; }\n`;
  const env = { ...cleanEnv({ ...bench.env }), PATH: `${tools}:${process.env['PATH'] ?? ''}` };
  const ended = await exec('bash', ['-e', '-o', 'pipefail', '-c', kheaders + line], { env, cwd: bench.folder });
  assert.equal(ended.code, 0, ended.stdout.slice(-2000) + ended.stderr.slice(-4000));
  return ended;
}

/** The offset of task_struct's pid as the kernel's own BTF has it. */
async function findPidOffset(bench: Bench, tools: string): Promise<number> {
  const find = `awk "/STRUCT 'task_struct' /{s=1} s&&/^\t'pid' /{print; s=0}"`;
  const { stdout } = await runLine(bench, tools, `bpftool btf dump file "$(kheaders btf)" | ${find}`);
  const bits = /bits_offset=(\d+)/.exec(stdout)?.[1];
  assert.ok(bits !== undefined, stdout);
  return Number(bits) / 8;
}

/** A number as it stands in a BPF instruction. */
function asImmediate(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes.toString('hex');
}

for (const arch of ['x86_64', 'arm64'] as const) {
  phoneTest(
    `env on ${arch}: bpftrace and BCC take fields and macros of the phone's headers`,
    { arch },
    async (bench) => {
      const tools = await findEbpfTools();
      const pid = await findPidOffset(bench, tools);
      const flag = directFlag[arch];
      await writeFile(join(bench.folder, 'p.bt'), bpftraceProgram);
      await writeFile(join(bench.folder, 'p.py'), bccProgram);

      const traced = await runLine(bench, tools, 'eval "$(kheaders env)"; bpftrace -d p.bt');
      assert.match(traced.stdout, new RegExp(`add i64 %get_cur_task, ${pid}$`, 'm'), traced.stderr.slice(-2000));
      assert.match(traced.stdout, new RegExp(`store i64 ${flag},`));

      const compiled = (await runLine(bench, tools, 'eval "$(kheaders env)"; python3 p.py')).stdout;
      assert.match(compiled, new RegExp(`07[0-9a-f]{2}0000${asImmediate(pid)}`), 'an addition of the offset');
      assert.match(compiled, new RegExp(`57[0-9a-f]{2}0000${asImmediate(flag)}`), 'an AND with the flag');
    },
  );

  phoneTest(`cflags --bpf on ${arch}: the phone's kernel takes the object`, { arch }, async (bench) => {
    const { phone, server, folder } = bench;
    const tools = await findEbpfTools();
    await writeFile(join(folder, 'p.c'), clangProgram);
    const compile = 'clang $(kheaders cflags --bpf) -Wall -Werror -c p.c -o p.bc';
    await runLine(bench, tools, `kheaders pull; ${compile}; clang --target=bpf -x ir -c p.bc -o p.o`);
    await withBpftool(bench, async () => {
      const pushed = await server.adb('-s', phone.serial, 'push', join(folder, 'p.o'), '/data/local/tmp/bpftool/p.o');
      assert.equal(pushed.code, 0, pushed.stderr);
      const load = `${phoneBpftool} prog load /data/local/tmp/bpftool/p.o /sys/fs/bpf/p`;
      const loaded = await phone.root(server, load);
      assert.equal(loaded.code, 0, loaded.stdout + loaded.stderr);
      const shown = await phone.root(server, `${phoneBpftool} prog show pinned /sys/fs/bpf/p`);
      assert.match(shown.stdout, /kprobe .*name on_read /);
      assert.equal((await phone.root(server, 'rm /sys/fs/bpf/p')).code, 0);
    });
  });
}

phoneTest('cflags works from a cache whose path holds blanks, by a response file', {}, async (bench) => {
  const tools = await findEbpfTools();
  const own = join(bench.folder, `o'b [x]`);
  await mkdir(own);
  await writeFile(join(bench.folder, 'p.c'), clangProgram);
  const line = await runLine(
    bench,
    tools,
    `export KHEADERS_CACHE="$PWD/o'b [x]"; kheaders pull >&2
     kheaders cflags --bpf --response-file "$PWD/flags"; clang @flags -c p.c -o p.bc
     eval "$(kheaders env --tool bpftrace)"; test -e "$BPFTRACE_KERNEL_SOURCE/include/linux/kconfig.h"
     if kheaders cflags --bpf; then exit 9; else test $? = 2; fi`,
  );
  assert.equal(line.stdout, `${join(bench.folder, 'flags')}\n`);
});

phoneTest('btf reads what the kernel has, and bpftool makes C of it', {}, async (bench) => {
  const { phone, server, kheaders, folder } = bench;
  const tools = await findEbpfTools();
  const read = await kheaders('btf');
  assert.equal(read.code, 0, read.stderr);
  const file = join(folder, 'btf');
  assert.equal((await server.adb('-s', phone.serial, 'pull', '/sys/kernel/btf/vmlinux', file)).code, 0);
  assert.ok((await readFile(read.stdout.trimEnd())).equals(await readFile(file)));

  const header = (await runLine(bench, tools, `kheaders btf ${phone.release} --header`)).stdout.trimEnd();
  assert.match(await readFile(header, 'utf8'), /^struct task_struct \{$/m);
});

phoneTest(
  'btf of a kernel without BTF says so',
  {},
  async ({ phone, kheaders }) => {
    const read = await kheaders('btf');
    assert.equal(read.code, 75, read.stderr);
    assert.match(read.stderr, /CONFIG_DEBUG_INFO_BTF/);
    assert.equal((await kheaders('btf', phone.release)).code, 75, 'nor has the cache');
  },
  async ({ phone, server }) => {
    assert.equal((await phone.root(server, 'mount -t tmpfs none /sys/kernel/btf')).code, 0);
  },
);
