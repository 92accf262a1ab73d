/** Where the archive appears: sysfs since Linux 5.2, procfs before (f7b101d33046 moved it) and in vendor backports. */
export const archivePaths = ['/sys/kernel/kheaders.tar.xz', '/proc/kheaders.tar.xz'] as const;

/**
 * Roots below which Android keeps kernel modules, the signed GKI copies first. `/lib/modules` is what
 * recoveries and non-Android userlands have.
 */
export const moduleRoots = [
  '/system_dlkm/lib/modules',
  '/system_dlkm/flatten/lib/modules',
  '/vendor_dlkm/lib/modules',
  '/odm_dlkm/lib/modules',
  '/vendor/lib/modules',
  '/odm/lib/modules',
  '/system/lib/modules',
  '/lib/modules',
] as const;

/** Root directories of cgroup trees, as kernels and Android releases have them; writing a pid there moves it out of adbd's. */
export const cgroupRoots = ['/sys/fs/cgroup', '/acct', '/dev/cg2_bpf', '/dev/memcg/apps'] as const;

/**
 * Folders on a phone that the plain shell may write to and run programs in, in the order in which they are tried: every
 * Android has the first, a recovery or another userland the second.
 */
export const agentFolders = ['/data/local/tmp', '/tmp'] as const;

/** What every helper file on a phone begins with. */
export const agentPrefix = 'kheaders-agent-';

/** The name of the lease daemon's socket: one daemon on a phone, whatever build it is. */
export const daemonSocket = '@kheaders-lease';
