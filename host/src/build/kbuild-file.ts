/**
 * True for a file of the kernel's tree that building a module outside it takes, by its path from the top: the Makefiles,
 * what is in scripts/ and in those folders of it that hold host programs, and for x86 the sources of objtool.
 */
export function isKbuildFile(path: string, srcArch: string): boolean {
  if (!/^(?:[\w+-][\w.+-]*\/)*[\w+-][\w.+-]*$/.test(path) || /\.(?:o|a|cmd|d)$/.test(path)) return false;
  const [top = '', second = '', ...rest] = path.split('/');
  if (second === '') return top === 'Makefile' || top === 'Kbuild';
  if (top === 'scripts') return rest.length === 0 || ['basic', 'mod', 'genksyms', 'include'].includes(second);
  if (top === 'arch' && second === srcArch) return isArchFile(rest);
  return top === 'tools' && srcArch === 'x86' && isObjtoolFile(second, rest);
}

function isArchFile(rest: readonly string[]): boolean {
  const [name = ''] = rest;
  if (rest.length === 1) return /^(?:Makefile|Kbuild)[\w.]*$/.test(name) || name === 'module.lds';
  return rest.join('/') === 'kernel/module.lds';
}

/** tools/objtool and what it is compiled from; none of the other tools. */
function isObjtoolFile(folder: string, rest: readonly string[]): boolean {
  if (folder === 'lib') return rest.length === 1 || rest[0] === 'subcmd';
  return ['objtool', 'build', 'scripts', 'include', 'arch'].includes(folder) || rest.length === 0;
}
