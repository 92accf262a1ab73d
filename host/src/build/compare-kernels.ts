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

/** What is at each path of a tree, as a text that is the same for the same content. Folders say nothing their files do not. */
export type TreeContent = ReadonlyMap<string, string>;

/** Sorted by path. */
export function compareTrees(a: TreeContent, b: TreeContent): readonly FileDifference[] {
  const differences: FileDifference[] = [];
  for (const [path, content] of a) {
    const other = b.get(path);
    if (other === undefined) differences.push({ path, change: 'removed' });
    else if (other !== content) differences.push({ path, change: 'changed' });
  }
  for (const path of b.keys()) if (!a.has(path)) differences.push({ path, change: 'added' });
  return differences.sort((x, y) => (x.path < y.path ? -1 : 1));
}

/** Options by value, sorted by name. */
export function compareConfigs(a: KernelConfig, b: KernelConfig): readonly OptionDifference[] {
  return findConfigDifferences(a, b).map((name) => ({ name, a: textOf(a.get(name)), b: textOf(b.get(name)) }));
}

function textOf(value: ConfigValue | undefined): string | undefined {
  return value?.kind === 'string' ? JSON.stringify(value.value) : value?.value;
}
