import * as os from 'os';
import * as std from 'std';
import { build } from './build.js';
import { runHostSession } from './host-session.js';

/** The lease daemon and its guard are started from a session, as copies of its process. */
function main(role: string | undefined): void {
  // Ignored: a write to a peer that went away fails with EPIPE then.
  os.signal(os.SIGPIPE, undefined);
  // Ignored: the kernel itself buries what we started.
  os.signal(os.SIGCHLD, undefined);
  if (role === '--stdio') return runHostSession();
  if (role === '--version') {
    std.out.puts(`${build}\n`);
    std.out.flush();
    return std.exit(0);
  }
  std.err.puts('usage: kheaders-agent --stdio | --version\n');
  std.exit(64);
}

main(scriptArgs[1]);
