/** x, y, z of a kernel's version: 6, 1, 192. */
export type KernelVersion = readonly [number, number, number];

/** How the Kbuild files of one version suit the headers of another. */
export type VersionMatch = 'exact' | 'series' | 'other';

/** The version in `linux/version.h`: LINUX_VERSION_CODE holds no sublevel above 255, LINUX_VERSION_SUBLEVEL does. */
export function parseVersionHeader(text: string): KernelVersion | undefined {
  const define = (name: string): number | undefined => {
    const value = new RegExp(`^#define ${name} (\\d{1,9})$`, 'm').exec(text)?.[1];
    return value === undefined ? undefined : Number(value);
  };
  const code = define('LINUX_VERSION_CODE');
  if (code === undefined) return undefined;
  return [code >> 16, (code >> 8) & 0xff, define('LINUX_VERSION_SUBLEVEL') ?? code & 0xff];
}

/** The version at the top of the kernel's Makefile; undefined for another Makefile. */
export function parseMakefileVersion(text: string): KernelVersion | undefined {
  const head = text.slice(0, 4096);
  const [x, y, z] = ['VERSION', 'PATCHLEVEL', 'SUBLEVEL'].map(
    (name) => new RegExp(`^${name} *= *(\\d{1,6})$`, 'm').exec(head)?.[1],
  );
  return x === undefined || y === undefined ? undefined : [Number(x), Number(y), Number(z ?? 0)];
}

export function formatVersion(version: KernelVersion): string {
  return version.join('.');
}

export function compareVersions(headers: KernelVersion, kbuild: KernelVersion): VersionMatch {
  if (headers[0] !== kbuild[0] || headers[1] !== kbuild[1]) return 'other';
  return headers[2] === kbuild[2] ? 'exact' : 'series';
}

/** True from version x.y on. */
export function isAtLeast([x, y]: KernelVersion, major: number, minor: number): boolean {
  return x > major || (x === major && y >= minor);
}
