import assert from 'node:assert/strict';

// What killed.test.ts says holds without the agent too: by the phone's own shell alone. Read when it is imported.
process.env['KHEADERS_TEST_AGENT'] = '0';
const { withAgent } = await import('./phone-test.js');
assert.equal(withAgent, false);
await import('./killed.test.js');
