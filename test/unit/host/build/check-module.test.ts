import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkModule, judgeBroken } from '../../../../host/src/build/check-module.js';
import { deriveVermagic } from '../../../../host/src/build/check-vermagic.js';
import { parseDotConfig } from '../../../../host/src/build/kernel-config.js';
import type { KernelFacts } from '../../../../host/src/build/kernel-facts.js';
import type { KernelModule } from '../../../../host/src/image/kernel-module.js';
import type { ModuleTraits } from '../../../../host/src/image/module-traits.js';
import type { KernelSymbol, SymbolTable } from '../../../../host/src/image/symbol-table.js';

const vermagic = '6.1.25-android14 SMP preempt mod_unload modversions aarch64';
const options = ['SMP', 'PREEMPT_BUILD', 'MODULE_UNLOAD', 'MODVERSIONS', 'MODULE_SIG'];
const configOf = (...names: readonly string[]) => parseDotConfig(names.map((name) => `CONFIG_${name}=y\n`).join(''));

function tableOf(symbols: readonly KernelSymbol[], rest: Partial<SymbolTable> = {}): SymbolTable {
  return { source: { kind: 'image', path: 'boot.img' }, exporter: 'vmlinux', complete: true, symbols, ...rest };
}

const kernelTable = tableOf([
  { name: 'module_layout', crc: 1, gpl: false },
  { name: '_printk', crc: 2, gpl: false },
  { name: 'gpl_only', crc: 3, gpl: true },
  { name: 'buffers', crc: 4, gpl: true, namespace: 'DMA_BUF' },
]);

const facts: KernelFacts = {
  release: '6.1.25-android14',
  machine: 'aarch64',
  config: configOf(...options),
  tables: [kernelTable],
  form: { vermagic, structModuleSize: 960, path: '/vendor/lib/modules/zram.ko' },
  loaded: [],
  signaturesEnforced: false,
};

const traits: ModuleTraits = { cfi: undefined, pushesShadowStack: false, permanent: false };

function moduleOf(rest: Partial<KernelModule> = {}, imports: readonly string[] = ['_printk']): KernelModule {
  return {
    name: 'hello',
    vermagic,
    modinfo: new Map([['license', ['GPL']]]),
    machine: 183,
    is64: true,
    imports: imports.map((name) => ({ name, weak: false })),
    versions: new Map([
      ['module_layout', 1],
      ['_printk', 2],
      ['gpl_only', 3],
      ['buffers', 4],
    ]),
    exports: [],
    structModuleSize: 960,
    signed: false,
    sections: ['.text', '__versions'],
    ...rest,
  };
}

const tableFor = (symbol: string, rest: Partial<SymbolTable>): KernelFacts => ({
  ...facts,
  tables: [kernelTable, tableOf([{ name: symbol, crc: 9 }], rest)],
});

/** What decides; good modules have nothing that does. */
function decide(module: KernelModule, about: Partial<KernelFacts> = {}, its: Partial<ModuleTraits> = {}) {
  const { verdict, findings } = checkModule(module, { ...traits, ...its }, { ...facts, ...about });
  const outcome = { will: 'none', 'will-not': 'fails', unknown: 'unknown' }[verdict];
  const deciding = findings.filter((finding) => finding.outcome === outcome);
  return [verdict, ...deciding.map(({ check, subject }) => `${check}${subject === undefined ? '' : ` ${subject}`}`)];
}

const withConfig = (...names: readonly string[]) => ({ config: configOf(...options, ...names) });
const tun = { exporter: 'drivers/net/tun', source: { kind: 'exports', path: '/x/tun.ko' } } as const;
const mine = (name: string, crc = 9) =>
  moduleOf(
    {
      versions: new Map([
        ['module_layout', 1],
        [name, crc],
      ]),
    },
    [name],
  );
const bsd = { modinfo: new Map([['license', ['BSD']]]) };

const cases: readonly (readonly [what: string, found: readonly string[], expected: readonly string[]])[] = [
  ['a good one', decide(moduleOf()), ['will']],
  ['another release', decide(moduleOf({ vermagic: vermagic.replace('25', '26') })), ['will']],
  [
    'another release without MODVERSIONS',
    decide(moduleOf({ vermagic: vermagic.replace('25', '26') }), { config: configOf('SMP') }),
    ['will-not', `vermagic ${vermagic.replace('25', '26')}`],
  ],
  ['no vermagic', decide(moduleOf({ vermagic: undefined })), ['will-not', 'vermagic']],
  ['no vermagic, forced', decide(moduleOf({ vermagic: undefined }), withConfig('MODULE_FORCE_LOAD')), ['will']],
  ['another machine', decide(moduleOf({ machine: 62 })), ['will-not', 'architecture aarch64']],
  ['32 bits', decide(moduleOf({ is64: false })), ['will-not', 'architecture aarch64']],
  ['an unknown machine', decide(moduleOf(), { machine: 'mips' }), ['unknown', 'architecture mips']],
  ['another struct module', decide(moduleOf({ structModuleSize: 896 })), ['unknown', 'struct-module']],
  [
    'another struct module since 6.4',
    decide(moduleOf({ structModuleSize: 896 }), { release: '6.6.1' }),
    ['will-not', 'struct-module'],
  ],
  ['no struct module', decide(moduleOf({ structModuleSize: undefined })), ['will-not', 'struct-module']],
  ['no versions', decide(moduleOf({ versions: undefined })), ['will-not', 'versions']],
  ['a wrong CRC', decide(mine('_printk', 7)), ['will-not', 'versions _printk']],
  ['a missing CRC', decide(moduleOf({ versions: new Map([['module_layout', 1]]) })), ['will-not', 'versions _printk']],
  ['a missing import', decide(mine('none')).slice(0, 2), ['will-not', 'imports none']],
  ['a missing import, weak', decide(moduleOf({ imports: [{ name: 'none', weak: true }] })), ['will']],
  [
    'a missing import, no phone asked',
    decide(mine('none'), { loaded: undefined }).slice(0, 2),
    ['unknown', 'imports none'],
  ],
  [
    'a missing import, a dark module',
    decide(mine('none'), { loaded: ['dark'] }).slice(0, 2),
    ['unknown', 'imports none'],
  ],
  ['tables that are not complete', decide(mine('none'), { tables: [] }).slice(0, 2), ['unknown', 'imports none']],
  ['of a module that is not loaded', decide(mine('t'), tableFor('t', tun)), ['will-not', 'imports t']],
  ['of a module that is loaded', decide(mine('t'), { ...tableFor('t', tun), loaded: ['tun'] }), ['will']],
  ['a CRC of imports alone', decide(mine('t'), tableFor('t', { source: { kind: 'imports', path: 'x' } })), ['will']],
  [
    'sources that contradict each other',
    decide(mine('_printk', 2), { tables: [kernelTable, tableOf([{ name: '_printk', crc: 5 }])] }),
    ['unknown', 'versions _printk'],
  ],
  ['a GPL symbol', decide(moduleOf({}, ['gpl_only'])), ['will']],
  ['a GPL symbol, not GPL', decide(moduleOf(bsd, ['gpl_only'])), ['will-not', 'licence gpl_only']],
  ['another symbol, not GPL', decide(moduleOf(bsd)), ['will']],
  ['a namespace, not imported', decide(moduleOf({}, ['buffers'])), ['will-not', 'namespaces buffers']],
  [
    'a namespace, imported',
    decide(
      moduleOf(
        {
          modinfo: new Map([
            ['license', ['GPL']],
            ['import_ns', ['A', 'DMA_BUF']],
          ]),
        },
        ['buffers'],
      ),
    ),
    ['will'],
  ],
  [
    'a namespace, not imported, allowed',
    decide(moduleOf({}, ['buffers']), withConfig('MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS')),
    ['will'],
  ],
  ['unsigned, enforced by config', decide(moduleOf(), withConfig('MODULE_SIG_FORCE')), ['will-not', 'signature']],
  ['unsigned, enforced at run time', decide(moduleOf(), { signaturesEnforced: true }), ['will-not', 'signature']],
  ['signed, enforced', decide(moduleOf({ signed: true }), withConfig('MODULE_SIG_FORCE')), ['unknown', 'signature']],
  ['unsigned on a GKI', decide(moduleOf(), withConfig('MODULE_SIG_PROTECT')), ['unknown', 'signature']],
  ['no CFI', decide(moduleOf(), withConfig('CFI_CLANG')), ['unknown', 'cfi']],
  ['CFI', decide(moduleOf(), withConfig('CFI_CLANG'), { cfi: 'kcfi' }), ['will']],
  [
    'the CFI of other kernels',
    decide(moduleOf(), withConfig('CFI_CLANG'), { cfi: 'jump-tables' }),
    ['will-not', 'cfi'],
  ],
  ['no CFI on 5.15', decide(moduleOf(), { ...withConfig('CFI_CLANG'), release: '5.15.1' }), ['will-not', 'cfi']],
  ['no shadow call stack', decide(moduleOf(), withConfig('SHADOW_CALL_STACK')), ['unknown', 'shadow-call-stack']],
  ['a shadow call stack', decide(moduleOf(), withConfig('SHADOW_CALL_STACK'), { pushesShadowStack: true }), ['will']],
];

for (const [what, found, expected] of cases) test(`checkModule: ${what}`, () => assert.deepEqual(found, expected));

test('judgeBroken: a file that is no module will not load', () => {
  const { verdict, findings } = judgeBroken('not-elf', 'The file is not an ELF file');
  assert.deepEqual([verdict, findings[0]?.check], ['will-not', 'file']);
});

test('deriveVermagic: what the configuration says', () => {
  assert.equal(deriveVermagic({ ...facts, form: undefined }), vermagic);
  const old = { ...facts, machine: 'x86_64', config: configOf('SMP', 'PREEMPT', 'MODULE_UNLOAD') };
  assert.equal(deriveVermagic(old), '6.1.25-android14 SMP preempt mod_unload');
  const realtime = { ...facts, config: configOf('SMP', 'PREEMPT_RT', 'PREEMPT_BUILD') };
  assert.equal(deriveVermagic(realtime), '6.1.25-android14 SMP preempt_rt aarch64');
  assert.equal(deriveVermagic({ ...facts, config: configOf('RANDSTRUCT') }), undefined);
});
