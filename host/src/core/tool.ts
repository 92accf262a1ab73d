/** Put in by the build from package.json; absent when the sources run as they are. */
declare const KHEADERS_VERSION: string | undefined;

/** Name and version as manifests and `--version` show them. */
export const tool = {
  name: 'kheaders',
  version: typeof KHEADERS_VERSION === 'undefined' ? '0.0.0-source' : KHEADERS_VERSION,
} as const;
