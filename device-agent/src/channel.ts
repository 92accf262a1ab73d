import * as native from 'native';
import * as os from 'os';
import { onReadable } from './loop.js';
import { Refusal } from './refusal.js';

/** What `adb shell` runs as, and adbd too where it is not root. */
const shellUid = 2000;

/**
 * Listens on a name of the abstract namespace until adbd connects for the host (its service `localabstract:NAME`), and hands
 * over that connection. Any app can read the name in /proc/net/unix, so whoever is another user is hung up on.
 * Errors: Refusal `io`.
 */
export function awaitChannel(name: string, connected: (fd: number) => void): void {
  const listening = native.listen(`@${name}`);
  if (listening < 0) throw new Refusal('io', { errno: -listening, path: `@${name}` });
  onReadable(listening, () => {
    const fd = native.accept(listening);
    if (fd < 0) return;
    const peer = native.peerCredentials(fd);
    if (typeof peer === 'number' || ![0, shellUid, native.uid()].includes(peer[1])) return void os.close(fd);
    onReadable(listening, null);
    os.close(listening);
    connected(fd);
  });
}
