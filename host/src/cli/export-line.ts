export const shells = ['sh', 'fish', 'pwsh'] as const;
export type Shell = (typeof shells)[number];

/** The line by which a shell takes over a variable, whatever the value holds. `sh` is every POSIX shell, bash and zsh. */
export function formatExport(shell: Shell, name: string, value: string): string {
  switch (shell) {
    case 'sh':
      return `export ${name}='${value.replaceAll("'", `'\\''`)}'`;
    case 'fish':
      return `set -gx ${name} '${value.replaceAll(/['\\]/g, '\\$&')}'`;
    case 'pwsh':
      // PowerShell takes typographic quotes for ' as well (language specification, 2.3.5.2).
      return `$env:${name} = '${value.replaceAll(/['\u2018-\u201b]/g, '$&$&')}'`;
  }
}
