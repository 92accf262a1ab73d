import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFrame, frameMagic, junkLimit, protocolVersion } from '@kheaders/shared';
import { expectName, greeting, startAgent } from '../../support/agent-process.js';
import { ping } from '../../support/agent-requests.js';
import type { Subject } from './subject.js';

/** What holds of the link, before any request. */
export function testLink({ command, build, greeted }: Subject): void {
  test('hello goes both ways, and the end of input is the end', async (t) => {
    const agent = startAgent(t, command);
    assert.deepEqual(await agent.greet(), { protocol: protocolVersion, build, sender: 'agent' });
    agent.hangUp();
    assert.deepEqual(await agent.ended(), { code: 0, signal: null, stderr: '' });
  });

  for (const [what, body] of [
    ['build', { build: `${build.slice(0, -1)}-` }],
    ['protocol', { protocol: protocolVersion + 1 }],
  ] as const) {
    test(`a host of another ${what} is answered by bad-version, and the agent ends`, async (t) => {
      const agent = startAgent(t, command);
      await agent.greet(body);
      const { code, detail } = expectName(await agent.next(0), 'error');
      assert.deepEqual([code, detail], ['bad-version', `this agent speaks ${protocolVersion} and is build ${build}`]);
      assert.equal((await agent.ended()).code, 1);
    });
  }

  test('a request before hello is answered by bad-version', async (t) => {
    const agent = startAgent(t, command);
    agent.write(frameMagic, encodeFrame({ ...ping, id: 9 }));
    assert.equal(expectName(await agent.next(9), 'error').code, 'bad-version');
    assert.equal((await agent.ended()).code, 1);
  });

  test('junk before the magic is passed over, as much as is allowed', async (t) => {
    const junk = Buffer.from('WARNING: linker: kheaders-agen\nkheaders-age').subarray(0, junkLimit);
    const agent = startAgent(t, command);
    agent.write(Buffer.alloc(junkLimit - junk.length, 'x'), junk, greeting());
    assert.equal((await agent.ask(ping)).name, 'done');
    const drowned = startAgent(t, command);
    drowned.write(Buffer.alloc(junkLimit + 1, 'x'));
    assert.equal(expectName(await drowned.next(0), 'hello').sender, 'agent');
    assert.equal(expectName(await drowned.next(0), 'error').code, 'bad-frame');
    assert.equal((await drowned.ended()).code, 1);
  });

  test('a bad frame, and an end inside of one, are errors of the link', async (t) => {
    for (const [bytes, code, hangsUp] of [
      ['00000000fa01000000', 'bad-frame', false],
      ['ffffff7f0b01000000', 'bad-frame', false],
      ['010000000b0100000000', 'bad-message', false],
      ['010000000b010000', 'bad-frame', true],
    ] as const) {
      const agent = await greeted(t);
      agent.write(Buffer.from(bytes, 'hex'));
      if (hangsUp) agent.hangUp();
      assert.equal(expectName(await agent.next(0), 'error').code, code, bytes);
      assert.deepEqual(await agent.ended(), { code: 1, signal: null, stderr: '' }, bytes);
    }
  });
}
