import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KhError } from '../../../../host/src/core/error.js';
import { formatSymvers, parseSymvers } from '../../../../host/src/image/symvers.js';

const source = { path: '/tmp/Module.symvers', sha256: 'b'.repeat(64) };

function parse(text: string) {
  return parseSymvers(text, source).map(({ exporter, symbols }) => ({ exporter, symbols }));
}

test('parseSymvers reads today’s form, one table for each exporter', () => {
  const text = [
    '0x2bee6e1a\tprintk\tvmlinux\tEXPORT_SYMBOL\t',
    '0x00000001\thid_add\tdrivers/hid/hid\tEXPORT_SYMBOL_GPL\tHID',
    '0xffffffff\tkmalloc\tvmlinux\tEXPORT_SYMBOL_GPL\t',
    '',
  ].join('\n');
  assert.deepEqual(parse(text), [
    {
      exporter: 'vmlinux',
      symbols: [
        { name: 'printk', crc: 0x2bee6e1a, gpl: false },
        { name: 'kmalloc', crc: 0xffffffff, gpl: true },
      ],
    },
    { exporter: 'drivers/hid/hid', symbols: [{ name: 'hid_add', crc: 1, gpl: true, namespace: 'HID' }] },
  ]);
  assert.deepEqual(parseSymvers(text, source)[0]?.source, { kind: 'symvers', ...source });
});

test('parseSymvers reads the forms of Linux before 5.4, and of 5.4 to 5.7', () => {
  const symbols = [{ name: 'printk', crc: 0x2bee6e1a, gpl: false }];
  assert.deepEqual(parse('0x2bee6e1a\tprintk\tvmlinux\tEXPORT_SYMBOL\n'), [{ exporter: 'vmlinux', symbols }]);
  assert.deepEqual(parse('0x2bee6e1a\tprintk\t\tvmlinux\tEXPORT_SYMBOL\n'), [{ exporter: 'vmlinux', symbols }]);
  assert.deepEqual(parse('0x2bee6e1a\tdma_buf\tDMA_BUF\tvmlinux\tEXPORT_SYMBOL_GPL\n'), [
    { exporter: 'vmlinux', symbols: [{ name: 'dma_buf', crc: 0x2bee6e1a, gpl: true, namespace: 'DMA_BUF' }] },
  ]);
});

test('parseSymvers takes a CRC of 0 for not known', () => {
  assert.deepEqual(parse('0x00000000\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n')[0]?.symbols, [
    { name: 'printk', gpl: false },
  ]);
});

test('formatSymvers writes what parseSymvers reads', () => {
  const text = '0x0000002a\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n0xdeadbeef\tf\tdrivers/a\tEXPORT_SYMBOL_GPL\tNS\n';
  const lines = parse(text).flatMap(({ exporter = '', symbols }) => symbols.map((symbol) => ({ symbol, exporter })));
  assert.equal(formatSymvers(lines), text);
  assert.equal(
    formatSymvers([{ symbol: { name: 'x' }, exporter: 'vmlinux' }]),
    '0x00000000\tx\tvmlinux\tEXPORT_SYMBOL\t\n',
  );
});

for (const line of [
  'printk',
  '0x1\tprintk\tvmlinux',
  '0x1\tprintk\tEXPORT_SYMBOL',
  'ffffffff\tprintk\tvmlinux\tEXPORT_SYMBOL',
  '0x1ffffffff\tprintk\tvmlinux\tEXPORT_SYMBOL',
  '0x1\tpri ntk\tvmlinux\tEXPORT_SYMBOL',
  '0x1\tprintk\tvm linux\tEXPORT_SYMBOL',
  '0x1\tprintk\tvmlinux\tEXPORT_SYMBOL\tN S',
  '0x1\tprintk\tvmlinux\tEXPORT_SYMBOL\tNS\tmore',
  '0x1\tprintk\tvmlinux\texport',
]) {
  test(`parseSymvers refuses ${JSON.stringify(line)}`, () => {
    const refused = (error: unknown) =>
      error instanceof KhError && error.code === 'usage' && error.details.reason === 'line 2';
    assert.throws(() => parseSymvers(`0x00000001\ta\tvmlinux\tEXPORT_SYMBOL\t\n${line}\n`, source), refused);
  });
}
