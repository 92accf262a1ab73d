import { isRelease } from '@kheaders/shared';
import { parseElf, readElfSection } from './elf.js';

/** Bytes of `.modinfo` that are read; real ones have a few hundred. */
const maxModinfoBytes = 64 * 1024;

/**
 * What a kernel module says of itself (`vermagic`, `scmversion`, `name` …): the `key=value` strings in section
 * `.modinfo`, the first one where a key is there twice. Untrusted text. Empty for a file without that section.
 *
 * @throws KhError `archive-corrupt` with parseElf()'s reasons.
 */
export function readModinfo(file: Uint8Array): ReadonlyMap<string, string> {
  const elf = parseElf(file);
  const section = elf.sections.find(({ name }) => name === '.modinfo');
  const facts = new Map<string, string>();
  if (!section) return facts;
  const content = readElfSection(elf, section).subarray(0, maxModinfoBytes);
  const text = new TextDecoder().decode(content);
  for (const field of text.split('\0')) {
    const equals = field.indexOf('=');
    const key = field.slice(0, Math.max(equals, 0));
    if (key !== '' && !facts.has(key)) facts.set(key, field.slice(equals + 1));
  }
  return facts;
}

export interface Vermagic {
  /** The kernel the module was built for. */
  readonly release: string;
  /** The build options (`SMP preempt mod_unload modversions aarch64`): what the kernel compares with MODVERSIONS. */
  readonly rest: string;
}

/** The parts of a vermagic (VERMAGIC_STRING, include/linux/vermagic.h), or undefined for a text of another form. */
export function parseVermagic(text: string): Vermagic | undefined {
  const [release = '', ...options] = text.trim().split(' ');
  return isRelease(release) ? { release, rest: options.join(' ') } : undefined;
}
