/**
 * What tells one kernel build from another, as far as this phone lets it be read. `uname -r` alone does not:
 * two builds of `…-maybe-dirty` share it. An absent field could not be read.
 */
export interface KernelIdentity {
  /** `uname -r`; passes isRelease(). */
  readonly release: string;
  /** The whole line of /proc/version. */
  readonly procVersion: string;
  /** `uname -m`, e.g. `aarch64`. */
  readonly machine: string;
  /** sha256 (hex) of /proc/config.gz. */
  readonly configSha256?: string;
  /** sha256 (hex) of /sys/kernel/notes, which holds the GNU build-id. */
  readonly notesSha256?: string;
  /** `ro.build.fingerprint`. */
  readonly fingerprint?: string;
  /** `ro.boot.vbmeta.digest`. */
  readonly vbmetaDigest?: string;
}

/**
 * One boot of one kernel: while it lasts the kernel cannot change, so nothing else needs to be asked. The kernel draws
 * the id at random when it starts, and lets everybody read it.
 */
export interface BootIdentity {
  /** /proc/sys/kernel/random/boot_id: a UUID. */
  readonly bootId: string;
  /** The whole line of /proc/version. */
  readonly procVersion: string;
  readonly release: string;
}

/** The key of a boot in the identity index. */
export function formatBoot(boot: BootIdentity): string {
  return JSON.stringify([boot.bootId, boot.procVersion, boot.release]);
}

/** The fields in the order in which they are written; the key of the identity index hashes exactly this text. */
export function formatIdentity(identity: KernelIdentity): string {
  return JSON.stringify([
    identity.release,
    identity.procVersion,
    identity.machine,
    identity.configSha256 ?? null,
    identity.notesSha256 ?? null,
    identity.fingerprint ?? null,
    identity.vbmetaDigest ?? null,
  ]);
}
