/** Checks what README.md says about the phone, on real ones. usage: node --import tsx selftest.ts [x86_64|arm64 [4k|16k]] */
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { startAdbServer, type AdbServer } from './adb-server.js';
import { ARCHES, PAGE_SIZES, isOneOf, type Kind } from './options.js';
import { startPhone } from './phone.js';
import { type Bench, check, counts, hash, seconds, withPhone } from './selftest-bench.js';

type MachineKind = Pick<Kind, 'arch' | 'pages'>;

async function checkShell(bench: Bench): Promise<void> {
  check('exit code and separate stderr', await bench.all('echo out; echo err >&2; exit 42'), '42|out|err');
  check('starts as shell', await bench.out('id -u'), '2000');
  check('uname -r', await bench.out('uname -r'), bench.phone.release);
  check('page size', await bench.out('getconf PAGESIZE'), { '4k': '4096', '16k': '16384' }[bench.phone.pages]);
  check('/data/local/tmp', await bench.out('stat -c "%a %U %G" /data/local/tmp'), '771 shell shell');
  check('control group', await bench.out('cat /proc/self/cgroup'), /^0::\/uid_0\/pid_\d+$/);
  check('root line is root', await bench.rootOut('id -u; echo e >&2'), '0\ne');
  check('root line output', (await bench.rootOut('head -c 300000 /dev/zero | tr "\\0" x')).length, 300000);
}

async function checkConfig(bench: Bench, line: string): Promise<void> {
  const config = gunzipSync(await bench.pull('/proc/config.gz'))
    .toString()
    .split('\n');
  check(`/proc/config.gz has "${line}"`, config.filter((one) => one.includes('CONFIG_IKHEADERS')).join(), line);
  check("/proc/config.gz is the kernel's own", config.length > 2000, true);
}

async function checkBootPartition(bench: Bench): Promise<void> {
  const boot = '/dev/block/by-name/boot_a';
  const size = 32 * 1024 * 1024;
  check('slot', await bench.out('getprop ro.boot.slot_suffix'), '_a');
  check('boot partition', await bench.out(`readlink ${boot}`), '/dev/block/vda');
  check('boot partition is for root only', await bench.all(`head -c 8 ${boot}`), /^1\|\|.*Permission denied/);
  check('boot.img', await bench.rootOut(`dd if=${boot} bs=4096 count=1 2>/dev/null | head -c 8`), 'ANDROID!');
  const expected = hash(await readFile(bench.phone.bootImagePath));
  check('boot partition is bootImagePath', await bench.rootOut(`sha256sum < ${boot}`), `${expected}  -`);
  check('it is larger than boot.img', await bench.rootOut(`wc -c < ${boot}`), String(size));
  // Linux 6.1 opens it for writing all the same, and a shell's echo then fails without a word.
  check('nobody writes to it', await bench.rootOut(`dd if=/dev/zero of=${boot} bs=512 count=1`), /not permitted/);
}

async function checkVendorModules(bench: Bench): Promise<void> {
  const folder = '/vendor/lib/modules';
  const count = Number(await bench.out(`ls ${folder}/*.ko | wc -l`));
  check(`modules of the kernel (${count})`, count >= 30, true);
  check('one without dependencies', await bench.rootOut(`insmod ${folder}/dummy.ko && rmmod dummy`), '');
  const dependencies = await bench.out(`sed -n 's,^${folder}/8021q.ko: ,,p' ${folder}/modules.dep`);
  check('one with dependencies', dependencies.split(' ').length, 4);
  const loaded = await bench.rootOut(`modprobe -d ${folder} 8021q && cut -d' ' -f1 /proc/modules | head -5 | sort`);
  check('modprobe loads them', loaded, '8021q\ngarp\nllc\nmrp\nstp');
  await bench.rootOut('rmmod 8021q mrp garp stp llc');
}

async function checkModule(bench: Bench, ko: string, archive: string): Promise<void> {
  const expected = hash(await readFile(bench.phone.archivePath ?? ''));
  check('module on disk', await bench.out(`stat -c "%a %U" ${ko}`), '644 root');
  check(
    'module file is koPath',
    await bench.out(`sha256sum < ${ko}`),
    `${hash(await readFile(bench.phone.koPath ?? ''))}  -`,
  );
  check('shell may not load', await bench.all(`insmod ${ko}`), /^1\|\|insmod: (Not root|.*not permitted)/);
  check('no archive yet', await bench.all(`ls ${archive}`), /^1\|\|.*No such file/);
  check('load', await bench.all(`su -c 'insmod ${ko}'`), '0||');
  check('loaded', await bench.out('grep -c ^kheaders /proc/modules'), '1');
  check('archive is archivePath (pull)', hash(await bench.pull(archive)), expected);
  check('archive is archivePath (on the phone)', await bench.out(`sha256sum < ${archive}`), `${expected}  -`);
  check('unload', await bench.all("su -c 'rmmod kheaders'"), '0||');
  check('archive is gone', await bench.all(`ls ${archive}`), /^1\|\|.*No such file/);
}

async function checkSu(bench: Bench): Promise<void> {
  check('magisk: su -c', await bench.all("su -c 'id -u; echo e >&2; exit 7'"), '7|0|e');
  check('magisk: su - -c', await bench.all("su - -c 'id -u'"), '0|0|');
  check('magisk: words are joined', await bench.all('su -c echo a b'), '0|a b|');
  check('magisk: version', await bench.out('su --version'), /MAGISKSU/);
  check('magisk: stdin', await bench.all('echo in | su -c cat'), '0|in|');
  check("magisk: outside adbd's control group", await bench.out("su -c 'cat /proc/self/cgroup'"), '0::/');
  check('magisk: su 0 id hangs', await bench.hangs('su 0 id'), true);
  await bench.su('aosp');
  check('aosp: su 0 id -u', await bench.all('su 0 id -u'), '0|0|');
  check('aosp: su root sh -c', await bench.all('su root sh -c "exit 9"'), '9||');
  check('aosp: no -c', await bench.all('su -c id'), "1||su: invalid uid/gid '-c'");
  await bench.su('deny');
  check('deny', await bench.all('su -c id'), '1||Permission denied');
  await bench.su('hang');
  check('hang', await bench.hangs('su -c id'), true);
  await bench.su('magisk');
}

async function checkSuOrphan(bench: Bench): Promise<void> {
  check(
    'client killed',
    await bench.all(
      "su -c 'exec toybox sleep 4321' </dev/null >/dev/null 2>&1 & sleep 1; kill -9 $!; wait $! 2>/dev/null; true",
    ),
    /^0/,
  );
  check('magisk: child outlives its client', await bench.rootOut('ps -A -o ARGS | grep -c "^toybox sleep 4321$"'), '1');
  await bench.rootOut('pkill -f "sleep 4321"');
}

async function checkRestart(bench: Bench): Promise<void> {
  await bench.out('setsid toybox sleep 5001 </dev/null >/dev/null 2>&1 & sleep 1');
  await bench.out("su -c 'setsid toybox sleep 5002 </dev/null >/dev/null 2>&1 & sleep 1'");
  const alive = 'ps -A -o ARGS | grep -E "^(setsid )?toybox sleep 500[12]$" | grep -o "sleep.*" | sort';
  check('both run', await bench.rootOut(alive), 'sleep 5001\nsleep 5002');
  check('adb root', await bench.switchRoot('root'), /restarting adbd as root/);
  check('uid after adb root', await bench.out('id -u'), '0');
  check("adb root kills the whole group, su's child survives", await bench.rootOut(alive), 'sleep 5002');
  await bench.out(
    'setsid toybox sleep 5001 </dev/null >/dev/null 2>&1 & sleep 1; for p in $(pgrep -f "toybox sleep 5001$"); do echo $p > /sys/fs/cgroup/cgroup.procs; done',
  );
  check('adb unroot', await bench.switchRoot('unroot'), /restarting adbd as non root/);
  check('who left the group survives', await bench.rootOut(alive), 'sleep 5001\nsleep 5002');
  check('uid after adb unroot', await bench.out('id -u'), '2000');
  await bench.rootOut('pkill -f "sleep 500[12]"');
  await bench.out('setsid toybox sleep 5001 </dev/null >/dev/null 2>&1 & sleep 1');
  await bench.rootOut('pkill -9 adbd');
  await bench.phone.connect(bench.server);
  check('a crash of adbd kills the group too', await bench.rootOut(alive), '');
}

async function checkFreeze(bench: Bench): Promise<void> {
  await bench.phone.freeze();
  check('frozen', await bench.hangs('true'), true);
  await bench.phone.thaw();
  check('thawed', await bench.out('echo alive'), 'alive');
}

async function checkSys(bench: Bench): Promise<void> {
  const ko = `/system_dlkm/lib/modules/${bench.phone.release}/kernel/kernel/kheaders.ko`;
  await checkShell(bench);
  await checkConfig(bench, 'CONFIG_IKHEADERS=m');
  await checkBootPartition(bench);
  await checkVendorModules(bench);
  await checkModule(bench, ko, '/sys/kernel/kheaders.tar.xz');
  await checkSu(bench);
  await checkSuOrphan(bench);
  await checkRestart(bench);
  await checkFreeze(bench);
  await bench.server.restart();
  await bench.phone.connect(bench.server);
  check('after a restart of the adb server', await bench.out('echo back'), 'back');
}

async function checkProc(bench: Bench): Promise<void> {
  await checkConfig(bench, 'CONFIG_IKHEADERS=m');
  await checkModule(bench, '/vendor/lib/modules/kheaders.ko', '/proc/kheaders.tar.xz');
}

async function checkLegacy(bench: Bench): Promise<void> {
  const ko = `/lib/modules/${bench.phone.release}/kernel/kernel/kheaders.ko`;
  await checkModule(bench, ko, '/proc/kheaders.tar.xz');
  check('modprobe finds it', await bench.all("su -c 'modprobe kheaders && modprobe -r kheaders'"), '0||');
}

async function checkBuiltin(bench: Bench): Promise<void> {
  await checkConfig(bench, 'CONFIG_IKHEADERS=y');
  const expected = hash(await readFile(bench.phone.archivePath ?? ''));
  check('archive from boot on', hash(await bench.pull('/sys/kernel/kheaders.tar.xz')), expected);
  check('no kheaders.ko', await bench.rootOut('find / -xdev -name "kheaders.ko"'), '');
}

async function checkNone(bench: Bench): Promise<void> {
  await checkConfig(bench, '# CONFIG_IKHEADERS is not set');
  check('no kheaders', await bench.rootOut('find / -xdev -name "*kheaders*"; ls /sys/kernel | grep kheaders'), '');
}

async function checkSigEnforce(bench: Bench): Promise<void> {
  const ko = `/system_dlkm/lib/modules/${bench.phone.release}/kernel/kernel/kheaders.ko`;
  check(
    'unsigned module refused',
    await bench.all(`su -c 'insmod ${ko}'`),
    /^1\|.*(key was rejected|Key was rejected|Required key)/i,
  );
}

async function checkUserBuild(bench: Bench): Promise<void> {
  const { stdout, stderr } = await bench.server.adb('-s', bench.phone.serial, 'root');
  check('adb root refused', `${stdout}${stderr}`.trim(), 'adbd cannot run as root in production builds');
  check('still shell', await bench.out('id -u; getprop ro.build.type'), '2000\nuser');
  check('no su', await bench.all('su -c id'), /^127\|.*not found/);
  check('root line', await bench.rootOut('id -u'), '0');
}

async function checkUnauthorized(bench: Bench): Promise<void> {
  check('state', (await bench.server.adb('devices')).stdout, /\tunauthorized/);
  check('shell refused', (await bench.phone.shell(bench.server, 'id')).stderr, /unauthorized/);
  check('root line', await bench.rootOut('id -u'), '0');
}

async function checkClones(server: AdbServer, machine: MachineKind): Promise<void> {
  const phones = await Promise.all([startPhone(server, machine), startPhone(server, machine)]);
  const read = 'cat /proc/sys/kernel/random/boot_id; getprop ro.serialno; head -c 8 /dev/urandom | base64';
  const [one, two] = await Promise.all(
    phones.map(async (phone) => (await phone.shell(server, read)).stdout.split('\n')),
  );
  check(
    'clones differ in boot id, serial and random numbers',
    one?.filter((line, at) => line && line === two?.[at]).length,
    0,
  );
  for (const phone of phones) await phone.stop();
}

async function main(machine: MachineKind): Promise<void> {
  await using server = await startAdbServer();
  const began = performance.now();
  await withPhone(server, { ...machine, kernelArgs: ['phone.cold'] }, async (bench) =>
    check('cold boot', await bench.out('echo hi'), 'hi'),
  );
  await withPhone(server, machine, checkSys);
  await checkClones(server, machine);
  await withPhone(server, { ...machine, layout: 'proc' }, checkProc);
  await withPhone(server, { ...machine, layout: 'legacy' }, checkLegacy);
  await withPhone(server, { ...machine, layout: 'builtin' }, checkBuiltin);
  await withPhone(server, { ...machine, layout: 'none' }, checkNone);
  await withPhone(server, { ...machine, sigEnforce: true }, checkSigEnforce);
  await withPhone(server, { ...machine, sigEnforce: true, kernelArgs: ['phone.cold'] }, checkSigEnforce);
  await withPhone(server, { ...machine, userBuild: true, su: 'none' }, checkUserBuild);
  await withPhone(server, { ...machine, userBuild: true, su: 'none', kernelArgs: ['phone.cold'] }, checkUserBuild);
  await withPhone(server, { ...machine, unauthorized: true }, checkUnauthorized);
  const { good, bad } = counts();
  console.log(`${good} ok, ${bad} failed, ${seconds(began)}`);
}

const [arch = 'x86_64', pages = '4k'] = process.argv.slice(2);
if (!isOneOf(ARCHES, arch) || !isOneOf(PAGE_SIZES, pages)) throw new Error(`no such phone: ${arch} ${pages}`);
await main({ arch, pages });
if (counts().bad > 0) process.exitCode = 1;
