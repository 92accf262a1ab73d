import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  findConfigDifferences,
  findText,
  formatAutoConf,
  isBuiltIn,
  listUnsafeTexts,
  parseAutoconfHeader,
  parseDotConfig,
} from '../../../../host/src/build/kernel-config.js';

const header = String.raw`/*
 * Automatically generated file; DO NOT EDIT.
 */
#define CONFIG_SMP 1
#define CONFIG_HID_MODULE 1
#define CONFIG_HZ 250
#define CONFIG_BASE 0xffffffff80000000
#define CONFIG_INIT ""
#define CONFIG_TEXT "say \"a\\b\" $(x)"
#define CONFIG_LOWEST -1000
#define CONFIG_VERSION "gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0"
`;

test('parseAutoconfHeader and formatAutoConf give what make reads', () => {
  const config = parseAutoconfHeader(header);
  const plain = `CONFIG_BASE=0xffffffff80000000
CONFIG_HID=m
CONFIG_HZ=250
CONFIG_INIT=
CONFIG_LOWEST=-1000
CONFIG_SMP=y
CONFIG_VERSION=gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0
`;
  assert.equal(formatAutoConf(config, { quoted: false }), plain);
  const quoted = plain.replace('INIT=', 'INIT=""').replace(/VERSION=(.*)/, 'VERSION="$1"');
  assert.equal(formatAutoConf(config, { quoted: true }), quoted);
});

test('parseDotConfig reads the same configuration, and tells a number 1 from y', () => {
  const text = String.raw`# CONFIG_OFF is not set
CONFIG_SMP=y
CONFIG_HID=m
CONFIG_HZ=250
CONFIG_BASE=0xffffffff80000000
CONFIG_INIT=""
CONFIG_TEXT="say \"a\\b\" $(x)"
CONFIG_LOWEST=-1000
CONFIG_VERSION="gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0"
`;
  assert.deepEqual(parseDotConfig(text), parseAutoconfHeader(header));
  assert.deepEqual(parseDotConfig('CONFIG_ONE=1\n').get('CONFIG_ONE'), { kind: 'number', value: '1' });
  assert.deepEqual(parseAutoconfHeader('#define CONFIG_ONE 1\n').get('CONFIG_ONE'), { kind: 'tristate', value: 'y' });
});

test('parseAutoconfHeader and parseDotConfig leave out what could say something to make', () => {
  const lines = ['CONFIG_A=$(shell id)', 'CONFIG_B="a"b"', 'CONFIG_C = y', 'CONFIG_D=y m', 'X=y', 'CONFIG_E="\\', ''];
  assert.equal(parseDotConfig(lines.join('\n')).size, 0);
  const defines = ['#define CONFIG_A $(shell id)', '#define CONFIG_B "a" "b"', '#define CONFIG_C', '#define X 1'];
  assert.equal(parseAutoconfHeader(defines.join('\n')).size, 0);
});

test('isBuiltIn and findText look one option up', () => {
  const config = parseAutoconfHeader(header);
  assert.deepEqual(
    ['CONFIG_SMP', 'CONFIG_HID', 'CONFIG_HZ', 'CONFIG_OFF'].map((name) => isBuiltIn(config, name)),
    [true, false, false, false],
  );
  assert.equal(findText(config, 'CONFIG_TEXT'), 'say "a\\b" $(x)');
  assert.equal(findText(config, 'CONFIG_SMP'), undefined);
});

test('findConfigDifferences names what differs, but not 1 and y', () => {
  const a = parseDotConfig('CONFIG_ONE=1\nCONFIG_A=y\nCONFIG_B="y"\nCONFIG_C=m\n');
  const b = parseDotConfig('CONFIG_ONE=y\nCONFIG_A=m\nCONFIG_B="y"\n');
  assert.deepEqual(findConfigDifferences(a, b), ['CONFIG_A', 'CONFIG_C']);
});

for (const value of ['$(shell id)', '`id`', 'a;b', 'a|b', "a'b", 'a&b', 'a#b', 'a>b', 'a\tb']) {
  test(`formatAutoConf keeps ${JSON.stringify(value)} from make`, () => {
    const config = parseAutoconfHeader(`#define CONFIG_A "${value}"\n#define CONFIG_B "good"\n`);
    assert.equal(formatAutoConf(config, { quoted: false }), 'CONFIG_B=good\n');
    assert.deepEqual(listUnsafeTexts(config), ['CONFIG_A']);
  });
}
