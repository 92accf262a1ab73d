import type { TreeEntry } from '../core/tree.js';
import { type ConfigValue, type KernelConfig, findConfigDifferences } from './kernel-config.js';

/** One path that is not the same in two trees: seen from the first, it was added, removed or changed in the second. */
export interface FileDifference {
  readonly path: string;
  readonly change: 'added' | 'removed' | 'changed';
}

/** One option that is not the same in two configurations. Absent values: not set. */
export interface OptionDifference {
  readonly name: string;
  readonly a?: string | undefined;
  readonly b?: string | undefined;
}

/** Files and links by content, sorted by path. Folders say nothing that their files do not. */
export function compareTrees(a: readonly TreeEntry[], b: readonly TreeEntry[]): readonly FileDifference[] {
  const [first, second] = [byPath(a), byPath(b)];
  const differences: FileDifference[] = [];
  for (const [path, content] of first) {
    const other = second.get(path);
    if (other === undefined) differences.push({ path, change: 'removed' });
    else if (other !== content) differences.push({ path, change: 'changed' });
  }
  for (const path of second.keys()) if (!first.has(path)) differences.push({ path, change: 'added' });
  return differences.sort((x, y) => (x.path < y.path ? -1 : 1));
}

function byPath(entries: readonly TreeEntry[]): ReadonlyMap<string, string> {
  const files = entries.filter(({ kind }) => kind !== 'directory');
  return new Map(files.map(({ path, kind, sha256, target }) => [path, `${kind} ${sha256 ?? target}`]));
}

/** Options by value, sorted by name. */
export function compareConfigs(a: KernelConfig, b: KernelConfig): readonly OptionDifference[] {
  return findConfigDifferences(a, b).map((name) => ({ name, a: textOf(a.get(name)), b: textOf(b.get(name)) }));
}

function textOf(value: ConfigValue | undefined): string | undefined {
  return value?.kind === 'string' ? JSON.stringify(value.value) : value?.value;
}
