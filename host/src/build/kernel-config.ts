/** The value of one option of a kernel's configuration; an option that is not set has none. */
export type ConfigValue =
  | { readonly kind: 'tristate'; readonly value: 'y' | 'm' }
  | { readonly kind: 'string'; readonly value: string }
  /** As it is written: decimal, or hexadecimal with `0x`. */
  | { readonly kind: 'number'; readonly value: string };

/** The options that are set, by name with `CONFIG_`. */
export type KernelConfig = ReadonlyMap<string, ConfigValue>;

const option = String.raw`CONFIG_\w{1,120}`;
const quoted = String.raw`"(?:[^"\\\n]|\\.)*"`;
const number = String.raw`-?(?:0[xX][0-9a-fA-F]{1,16}|\d{1,20})`;
const defined = new RegExp(String.raw`^#define (${option}) (${quoted}|${number})$`);
const assigned = new RegExp(String.raw`^(${option})=(y|m|${quoted}|${number})$`);

/**
 * The configuration in `include/generated/autoconf.h`, as scripts/kconfig/confdata.c (print_symbol_for_c) writes it: an
 * option built as a module is defined as `CONFIG_X_MODULE 1`. The header cannot tell a number 1 from `y`, nor an option
 * that is called `…_MODULE` from a module: both are taken for the common case, `y` and `m`. See
 * docs/what-headers-do-not-contain.md. Lines of another form count for nothing.
 */
export function parseAutoconfHeader(text: string): KernelConfig {
  const config = new Map<string, ConfigValue>();
  for (const line of text.split('\n')) {
    const [, name, value] = defined.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    if (value === '1' && name.endsWith('_MODULE')) {
      config.set(name.slice(0, -'_MODULE'.length), { kind: 'tristate', value: 'm' });
    } else if (value === '1') config.set(name, { kind: 'tristate', value: 'y' });
    else config.set(name, valueOf(value));
  }
  return config;
}

/** The configuration in a `.config`, such as `/proc/config.gz` holds. Lines of another form count for nothing. */
export function parseDotConfig(text: string): KernelConfig {
  const config = new Map<string, ConfigValue>();
  for (const line of text.split('\n')) {
    const [, name, value] = assigned.exec(line) ?? [];
    if (name !== undefined && value !== undefined) config.set(name, valueOf(value));
  }
  return config;
}

function valueOf(text: string): ConfigValue {
  if (text === 'y' || text === 'm') return { kind: 'tristate', value: text };
  if (text.startsWith('"')) return { kind: 'string', value: text.slice(1, -1).replaceAll(/\\(.)/g, '$1') };
  return { kind: 'number', value: text };
}

/**
 * `include/config/auto.conf`, which make reads, without the options of listUnsafeTexts(). Strings stand there as they are
 * since Linux 5.18 (129ab0d2d9f3), and quoted, as in a .config, before.
 */
export function formatAutoConf(config: KernelConfig, style: { readonly quoted: boolean }): string {
  const lines = [...config].flatMap(([name, option]) => {
    if (!isSafe(option)) return [];
    const { kind, value } = option;
    return [`${name}=${kind === 'string' && style.quoted ? `"${value}"` : value}\n`];
  });
  return lines.sort().join('');
}

/**
 * The string options that are kept from make, sorted: it expands `$(shell …)` wherever a value is used, and Makefiles put
 * values into shell commands. A configuration comes from a phone, so such a text is not passed on.
 */
export function listUnsafeTexts(config: KernelConfig): readonly string[] {
  return [...config].flatMap(([name, option]) => (isSafe(option) ? [] : [name])).sort();
}

function isSafe({ kind, value }: ConfigValue): boolean {
  return kind !== 'string' || /^[\w ()+,./:=~@%^{}[\]-]*$/.test(value);
}

/** True for an option that is built in; one that is a module, or not set, is not. */
export function isBuiltIn(config: KernelConfig, name: string): boolean {
  const value = config.get(name);
  return value?.kind === 'tristate' && value.value === 'y';
}

/** The text of a string option; undefined where it is none or not set. */
export function findText(config: KernelConfig, name: string): string | undefined {
  const value = config.get(name);
  return value?.kind === 'string' ? value.value : undefined;
}

/** The names whose values differ between two configurations, sorted. `1` and `y` count as one: a header cannot tell. */
export function findConfigDifferences(a: KernelConfig, b: KernelConfig): readonly string[] {
  const names = new Set([...a.keys(), ...b.keys()]);
  return [...names].filter((name) => comparable(a.get(name)) !== comparable(b.get(name))).sort();
}

function comparable(value: ConfigValue | undefined): string {
  if (value === undefined) return '';
  return value.kind === 'string' ? `"${value.value}` : value.value === '1' ? 'y' : value.value;
}
