import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveCacheRoot } from '../../../../host/src/cache/location.js';

const linux = { platform: 'linux', homedir: '/home/u' };

test('resolveCacheRoot takes the option before all else', () => {
  const env = { KHEADERS_CACHE: '/k', XDG_CACHE_HOME: '/x' };
  assert.equal(resolveCacheRoot({ ...linux, option: 'rel/dir', env }), 'rel/dir');
  assert.equal(resolveCacheRoot({ ...linux, env }), '/k');
  assert.equal(resolveCacheRoot({ ...linux, env: { XDG_CACHE_HOME: '/x' } }), '/x/kheaders');
});

test('resolveCacheRoot ignores empty variables and a relative XDG_CACHE_HOME', () => {
  const env = { KHEADERS_CACHE: '', XDG_CACHE_HOME: 'x' };
  assert.equal(resolveCacheRoot({ ...linux, option: '', env }), '/home/u/.cache/kheaders');
});

test('resolveCacheRoot knows the places of macOS and Windows', () => {
  assert.equal(
    resolveCacheRoot({ platform: 'darwin', homedir: '/Users/u', env: {} }),
    '/Users/u/Library/Caches/kheaders',
  );
  const windows = { platform: 'win32', homedir: 'C:\\Users\\u' };
  assert.equal(resolveCacheRoot({ ...windows, env: { LOCALAPPDATA: 'D:\\L' } }), 'D:\\L\\kheaders\\Cache');
  assert.equal(resolveCacheRoot({ ...windows, env: {} }), 'C:\\Users\\u\\AppData\\Local\\kheaders\\Cache');
});
