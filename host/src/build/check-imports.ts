import type { KernelModule } from '../image/kernel-module.js';
import type { ExportIndex, KnownExport } from './export-index.js';
import type { Finding } from './finding.js';
import { isBuiltIn } from './kernel-config.js';
import type { KernelFacts } from './kernel-facts.js';

/** Licences whose modules may use symbols exported for the GPL alone (include/linux/license.h). */
const gplLicences = [
  'GPL',
  'GPL v2',
  'GPL and additional rights',
  'Dual BSD/GPL',
  'Dual MIT/GPL',
  'Dual MPL/GPL',
] as const;

/** What module loading asks of every symbol a module imports (resolve_symbol() in kernel/module/main.c of Linux). */
export function checkImports(module: KernelModule, facts: KernelFacts, index: ExportIndex): readonly Finding[] {
  const judge = { module, facts, index };
  const findings = module.imports.flatMap(({ name, weak }) => checkImport(name, weak, judge));
  const versions = checkVersions(judge);
  return [
    ...orOk(findings, 'imports', `${module.imports.length} symbols, all of them exported`),
    ...findings.filter(({ check }) => check !== 'imports'),
    ...versions,
  ];
}

function orOk(findings: readonly Finding[], check: Finding['check'], detail: string): readonly Finding[] {
  const own = findings.filter((finding) => finding.check === check);
  return own.length > 0 ? own : [{ check, outcome: 'ok', detail }];
}

interface Judge {
  readonly module: KernelModule;
  readonly facts: KernelFacts;
  readonly index: ExportIndex;
}

function checkImport(name: string, weak: boolean, judge: Judge): readonly Finding[] {
  const { exports, crcs } = judge.index.find(name);
  if (exports.length === 0) {
    // A module of this phone imports it, so it is there; by whom is not known.
    if (weak || crcs.length > 0) return [];
    return [describeMissing(name, judge)];
  }
  const usable = exports.filter(({ exporter }) => isThere(exporter, judge.facts) !== false);
  const [first] = usable;
  if (first === undefined) {
    const names = exports.map(({ exporter }) => exporter).join(', ');
    if (weak) return [];
    return [
      { check: 'imports', outcome: 'fails', subject: name, detail: `only ${names} exports it, which is not loaded` },
    ];
  }
  const findings: Finding[] = [];
  if (!usable.some(({ exporter }) => isThere(exporter, judge.facts) === true) && !weak) {
    const detail = `${first.exporter} exports it; whether that is loaded, only the phone can say`;
    findings.push({ check: 'imports', outcome: 'unknown', subject: name, detail });
  }
  return [...findings, ...checkLicence(first, judge), ...checkNamespace(first, judge)];
}

/** Undefined: no phone was asked. */
function isThere(exporter: string, { loaded }: KernelFacts): boolean | undefined {
  if (exporter === 'vmlinux') return true;
  return loaded?.includes(exporter);
}

function describeMissing(name: string, { facts, index }: Judge): Finding {
  const about = { check: 'imports', subject: name } as const;
  if (!index.isComplete('vmlinux')) {
    return {
      ...about,
      outcome: 'unknown',
      detail: 'no source that is known exports it, and not all exports are known',
    };
  }
  if (facts.loaded === undefined) {
    return {
      ...about,
      outcome: 'unknown',
      detail: 'the kernel does not export it; which modules are loaded is not known',
    };
  }
  const dark = facts.loaded.filter((loaded) => !index.isComplete(loaded));
  if (dark.length === 0) {
    return { ...about, outcome: 'fails', detail: 'neither the kernel nor a module that is loaded exports it' };
  }
  const detail = `the kernel does not export it; what these export is not known: ${dark.slice(0, 5).join(', ')}`;
  return { ...about, outcome: 'unknown', detail };
}

function checkLicence({ name, gpl }: KnownExport, { module }: Judge): readonly Finding[] {
  const licence = module.modinfo.get('license')?.[0] ?? '';
  if (gpl === false || gplLicences.some((known) => known === licence)) return [];
  const about = { check: 'licence', subject: name } as const;
  const mine = licence === '' ? 'the module names no licence' : `the module’s licence is ${licence}`;
  if (gpl === true) return [{ ...about, outcome: 'fails', detail: `exported for GPL modules alone; ${mine}` }];
  return [
    { ...about, outcome: 'unknown', detail: `whether it is exported for GPL modules alone is not known; ${mine}` },
  ];
}

function checkNamespace({ name, namespace }: KnownExport, { module, facts }: Judge): readonly Finding[] {
  if (namespace === undefined || module.modinfo.get('import_ns')?.includes(namespace) === true) return [];
  // A list of modules, since Linux 6.16: only those may use it.
  const imported = namespace.startsWith('module:') ? isNamed(namespace, module.name) : false;
  if (imported) return [];
  const allowed = isBuiltIn(facts.config, 'CONFIG_MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS');
  const detail = `it is in namespace ${namespace}, which the module does not import`;
  return [{ check: 'namespaces', outcome: allowed ? 'note' : 'fails', subject: name, detail }];
}

function isNamed(namespace: string, name = ''): boolean {
  const patterns = namespace.slice('module:'.length).split(',');
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : moduleForm(pattern) === moduleForm(name),
  );
}

function moduleForm(name: string): string {
  return name.replaceAll('-', '_');
}

/** The kernel's own layout of modules has a CRC too, and every module must have it. */
const layoutSymbol = 'module_layout';

function checkVersions(judge: Judge): readonly Finding[] {
  const { module, facts } = judge;
  if (!isBuiltIn(facts.config, 'CONFIG_MODVERSIONS')) {
    return [{ check: 'versions', outcome: 'ok', detail: 'this kernel has no symbol versions' }];
  }
  if (module.versions === undefined) {
    const forced = isBuiltIn(facts.config, 'CONFIG_MODULE_FORCE_LOAD');
    const detail = 'the module has no symbol versions';
    return forced
      ? [{ check: 'versions', outcome: 'note', detail: `${detail}; this kernel loads it by force and is tainted` }]
      : [{ check: 'versions', outcome: 'fails', detail: `${detail}, and this kernel demands them` }];
  }
  const names = [layoutSymbol, ...module.imports.filter(({ weak }) => !weak).map(({ name }) => name)];
  const findings = names.flatMap((name) => checkVersion(name, judge));
  return orOk(findings, 'versions', `${names.length} CRCs, all of them those of this kernel`);
}

function checkVersion(name: string, { module, index }: Judge): readonly Finding[] {
  const { crcs } = index.find(name);
  const mine = module.versions?.get(name);
  const about = { check: 'versions', subject: name } as const;
  const [first] = crcs;
  if (first === undefined || crcs.length > 1) {
    const why =
      first === undefined ? 'its CRC in this kernel is not known' : 'sources contradict each other on its CRC';
    return [{ ...about, outcome: 'unknown', detail: why }];
  }
  if (mine === undefined)
    return [{ ...about, outcome: 'fails', detail: `the module has no CRC for it (${hex(first)})` }];
  if (mine === first) return [];
  return [{ ...about, outcome: 'fails', detail: `built against ${hex(mine)}, this kernel has ${hex(first)}` }];
}

function hex(crc: number): string {
  return `0x${crc.toString(16).padStart(8, '0')}`;
}
