/** What check looks at, in the order of its table. */
export const checkNames = [
  'file',
  'architecture',
  'vermagic',
  'struct-module',
  'imports',
  'versions',
  'licence',
  'namespaces',
  'signature',
  'cfi',
  'shadow-call-stack',
  'unload',
] as const;

export type CheckName = (typeof checkNames)[number];

/** One thing that was found. `note`: it loads, but the kernel or its user may mind. */
export interface Finding {
  readonly check: CheckName;
  readonly outcome: 'ok' | 'note' | 'unknown' | 'fails';
  /** The symbol or the value it is about; untrusted text of the file or the phone. */
  readonly subject?: string;
  readonly detail: string;
}

/** `will` load, `will-not`, or `unknown`: nothing says that it will not, but something could not be told. */
export type Verdict = 'will' | 'will-not' | 'unknown';

export function verdictOf(findings: readonly Finding[]): Verdict {
  if (findings.some(({ outcome }) => outcome === 'fails')) return 'will-not';
  return findings.some(({ outcome }) => outcome === 'unknown') ? 'unknown' : 'will';
}

/** The findings that decide, in a line: those that fail, or else those that could not be told. */
export function describeVerdict(findings: readonly Finding[]): string {
  const failing = findings.filter(({ outcome }) => outcome === 'fails');
  const open = findings.filter(({ outcome }) => outcome === 'unknown');
  const deciding = failing.length > 0 ? failing : open;
  const told = deciding.slice(0, 3).map(({ check, subject, detail }) => `${check}: ${subject ?? ''} ${detail}`);
  const more = deciding.length > 3 ? ` (and ${deciding.length - 3} more)` : '';
  return `${told.join('; ').replaceAll(/ {2,}/g, ' ')}${more}`;
}
