import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatManifest, makeManifest, parseManifest, type Manifest } from '../../../../host/src/cache/manifest.js';
import { isKhError } from '../../../../host/src/core/error.js';
import { makeTree } from '../../../../host/src/core/tree.js';
import { factsOf, seeded, sha256 } from './support/fixture.js';

const facts = factsOf({ sha256: sha256('a'), bytes: 12 });
const manifest = makeManifest(facts, makeTree(new Map([['a', 'file']]), 1));
const text = formatManifest(manifest);

test('parseManifest reads what formatManifest writes', () => {
  assert.deepEqual(parseManifest(text, '/m'), manifest);
  const bare: Manifest = {
    ...manifest,
    machine: undefined,
    identity: undefined,
    provenance: {},
    source: { kind: 'file' },
  };
  assert.equal(formatManifest(parseManifest(formatManifest(bare), '/m')), formatManifest(bare));
});

test('makeManifest takes the counts of the tree but not its list', () => {
  assert.deepEqual(Object.keys(manifest.tree), ['files', 'directories', 'symlinks', 'bytes']);
});

test('parseManifest drops fields it does not know', () => {
  const tree = { ...manifest.tree, digest: 'x' }; // as older versions wrote it
  const more = JSON.stringify({ ...manifest, tree, color: 'blue', __proto__: 1 });
  assert.deepEqual(parseManifest(more, '/m'), manifest);
});

/** A field and what it must not be; undefined stands for an absent field. */
const refused: readonly (readonly [field: string, value: unknown])[] = [
  ['schema', 2],
  ['release', '../../etc'],
  ['machine', 'a\u001b[31m'],
  ['archive.sha256', 'A'.repeat(64)],
  ['archive.bytes', -1],
  ['source.kind', 'guess'],
  ['source.devicePath', 'x'.repeat(5000)],
  ['provenance.serial', 5],
  ['provenance', undefined],
  ['identity.release', '6.6.0'],
  ['identity', [1]],
  ['layout', 'tree'],
  ['tree.files', 1.5],
  ['tree.directories', undefined],
  ['tree.symlinks', '0'],
  ['tree.bytes', -1],
  ['createdAt', 'yesterday'],
  ['tool.version', undefined],
];
for (const [field, value] of refused) {
  test(`parseManifest refuses a wrong ${field} and says so`, () => {
    const [first = '', second] = field.split('.');
    const top = JSON.parse(text) as Record<string, unknown>;
    const damaged = { ...top, [first]: second === undefined ? value : { ...(top[first] as object), [second]: value } };
    assert.throws(
      () => parseManifest(JSON.stringify(damaged), '/m'),
      (error) => isKhError(error, 'cache-corrupt') && error.details.reason === field && error.details.path === '/m',
    );
  });
}

test('parseManifest gives a manifest or cache-corrupt for 200 damaged texts', () => {
  const random = seeded(20);
  const pieces = ['"', '{', '}', '[', '-1', '1e99', 'null', '../', '\u0000', '\\u001b', ',', ''];
  let sound = 0;
  for (let n = 0; n < 200; n++) {
    const at = Math.floor(random() * text.length);
    const piece = pieces[Math.floor(random() * pieces.length)] ?? '';
    const damaged = text.slice(0, at) + piece + text.slice(at + Math.floor(random() * 8));
    try {
      const parsed = parseManifest(damaged, '/m');
      assert.deepEqual(parseManifest(formatManifest(parsed), '/m'), parsed);
      sound++;
    } catch (error) {
      assert.ok(isKhError(error, 'cache-corrupt'), String(error));
    }
  }
  assert.ok(sound > 0 && sound < 150, `${sound} of 200 were sound`);
});
