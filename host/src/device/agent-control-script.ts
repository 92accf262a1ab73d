import { agentFolders, agentPrefix, daemonSocket } from '@kheaders/shared';

const listMagic = 'kheaders-list 1';
const listEnd = 'kheaders-list end';

const globs = agentFolders.map((folder) => `${folder}/${agentPrefix}*`).join(' ');

/** Lists our files on the phone, and whether the lease daemon runs; starts nothing and needs no root. */
export const listScript = `exec 2>/dev/null
echo "${listMagic}"
for f in ${globs}; do [ -f "$f" ] && echo "file=$f"; done
[ -r /proc/net/unix ] && { u=no; while read -r l; do case $l in *' ${daemonSocket}') u=yes;; esac; done </proc/net/unix; echo "running=$u"; }
echo "${listEnd}"`;

/** Takes all our files away, whoever runs them: a running program does not need its file. */
export const removeScript = `rm -f ${globs}`;

export interface AgentListing {
  /** Our files, of this version or others. */
  readonly files: readonly string[];
  /** Undefined where the phone does not tell. */
  readonly running: boolean | undefined;
}

const fileForm = new RegExp(`^(${agentFolders.join('|')})/${agentPrefix}[A-Za-z0-9._-]{1,100}$`);

/** Undefined where the output is not that of listScript. */
export function parseListing(output: string): AgentListing | undefined {
  const lines = output.split('\n').map((line) => line.replace(/\r$/, ''));
  const start = lines.indexOf(listMagic);
  const end = lines.indexOf(listEnd);
  if (start < 0 || end < start) return undefined;
  const facts = lines.slice(start + 1, end);
  const files = facts.map((line) => line.replace(/^file=/, '')).filter((path) => fileForm.test(path));
  const told = facts.includes('running=yes') || facts.includes('running=no');
  return { files, running: told ? facts.includes('running=yes') : undefined };
}
