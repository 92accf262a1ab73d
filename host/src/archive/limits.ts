/** What an archive may ask of the host. */
export interface Limits {
  /** Bytes of memory for the decompressor. */
  readonly memoryBytes: number;
  /** Bytes of tar, headers and padding included. */
  readonly totalBytes: number;
  /** Bytes of one file. */
  readonly fileBytes: number;
  /** Members, and directories their paths imply. */
  readonly entries: number;
  /** Bytes of a path as UTF-8. */
  readonly pathBytes: number;
  /** Bytes of one component of a path. */
  readonly componentBytes: number;
}

const mebibyte = 1024 * 1024;

/** A real archive has 31 MB of tar in 6,500 entries, paths of at most 61 bytes, and an 8 MiB dictionary. */
export const defaultLimits: Limits = {
  memoryBytes: 128 * mebibyte,
  totalBytes: 2048 * mebibyte,
  fileBytes: 256 * mebibyte,
  entries: 200_000,
  pathBytes: 1024,
  componentBytes: 255,
};
