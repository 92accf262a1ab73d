import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, test } from 'node:test';
import { type AgentProcess, agentFolder, buildAgents, readAgentFiles, startAgent } from '../support/agent-process.js';
import { sha256 } from '../support/agent-requests.js';
import { type Abi, abis, findRunner, ownAbi } from './run-entry.js';
import { testAnswers } from './contract/answers.js';
import { testLeaseDaemon } from './contract/lease-daemon.js';
import { testLink } from './contract/link.js';
import type { Subject } from './contract/subject.js';

const sizeLimit = 700_000;

await buildAgents();

for (const abi of Object.keys(abis) as Abi[]) {
  const runner = await findRunner(abi);
  const isOwn = abi === ownAbi;
  const file = join(agentFolder, abi);
  const { build, agents } = readAgentFiles();

  describe(`the agent, ${abi}`, { skip: runner === undefined && `this machine has no qemu-user for ${abi}` }, () => {
    const command = [...(runner ?? []), file];
    async function greeted(t: TestContext): Promise<AgentProcess> {
      const agent = startAgent(t, command);
      await agent.greet();
      return agent;
    }

    test('the file is small, and is the one agents.json tells of', async () => {
      const bytes = await readFile(file);
      assert.deepEqual({ sha256: sha256(bytes), size: bytes.length }, agents[abi]);
      assert.ok(bytes.length < sizeLimit, `${bytes.length} bytes`);
    });

    const subject: Subject = { command, isOwn, build, greeted };
    testLink(subject);
    testAnswers(subject);
    testLeaseDaemon(subject);
  });
}
