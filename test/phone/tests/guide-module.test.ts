import assert from 'node:assert/strict';
import { findBuildAssets } from '../assets.js';
import { followGuide } from './guide.js';
import { phoneTest, useAdbServer } from './phone-test.js';

useAdbServer();

const { kernelSource } = await findBuildAssets('x86_64', () => undefined);

phoneTest('docs/build-a-module.md does what it says', {}, async (bench) => {
  const output = await followGuide(bench, 'build-a-module.md', { env: { KERNEL_SOURCE: kernelSource } });
  assert.match(output, /ok +versions +\d+ CRCs, all of them those of this kernel/);
  assert.match(output, /hello: phone is greeted\n/);
  assert.match(output, /^hello, the two of us$/m);
  assert.match(output, /hello: good bye\n$/);
});
