/**
 * The kernel keeps the release in utsname, 64 bytes plus a NUL, and the top Makefile refuses a longer
 * KERNELRELEASE (uts_len=64).
 */
const releaseForm = /^[0-9A-Za-z][0-9A-Za-z._+~-]{0,63}$/;

/**
 * True if text may be used as a kernel release: a first letter or digit, then letters, digits and `. _ + ~ -`, at
 * most 64 characters. The release comes from the phone and names a folder here, so nothing else passes.
 */
export function isRelease(text: string): boolean {
  return releaseForm.test(text) && !text.includes('..');
}

/** The release in a `/proc/version` line (`Linux version <release> (…`), or undefined if the line has another form. */
export function parseProcVersion(line: string): string | undefined {
  const release = /^Linux version (\S+) /.exec(line)?.[1];
  return release !== undefined && isRelease(release) ? release : undefined;
}

/** The numbers of a release: `6.1.25-android14` gives [6, 1, 25]; undefined where it does not start with numbers. */
export function parseKernelVersion(release: string): readonly [number, number, number] | undefined {
  const match = /^(\d{1,3})\.(\d{1,4})(?:\.(\d{1,4}))?/.exec(release);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)] : undefined;
}
