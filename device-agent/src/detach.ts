import * as native from 'native';
import * as os from 'os';

const lastStandard = 2;

/**
 * Makes this process a daemon: a session of its own, in "/", stdin, stdout and stderr on /dev/null, every other descriptor
 * closed but those kept. Returns 0, or -errno of setsid(2): nothing has been done then.
 */
export function detach(keep: readonly number[]): number {
  const session = native.setsid();
  if (session < 0) return session;
  os.chdir('/');
  const nothing = os.open('/dev/null', os.O_RDWR);
  for (let fd = 0; fd <= lastStandard; fd += 1) os.dup2(nothing, fd);
  closeAllBut(keep);
  return 0;
}

/** `adb shell` waits until the last copy of its descriptors is closed. */
function closeAllBut(keep: readonly number[]): void {
  let first = lastStandard + 1;
  for (const fd of keep.toSorted((one, other) => one - other)) {
    closeBetween(first, fd - 1);
    first = fd + 1;
  }
  if (native.closeRange(first, -1) < 0) closeOneByOne(keep);
}

function closeBetween(first: number, last: number): void {
  for (let fd = first; fd <= last; fd += 1) os.close(fd);
}

/** For kernels before 5.9. Exported for its test, which has none. */
export function closeOneByOne(keep: readonly number[]): void {
  for (const name of os.readdir('/proc/self/fd')[0]) {
    const fd = Number(name);
    if (fd > lastStandard && !keep.includes(fd)) os.close(fd);
  }
}
