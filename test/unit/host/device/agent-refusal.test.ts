import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MessageBody, wireCodes } from '@kheaders/shared';
import { isKhError } from '../../../../host/src/core/error.js';
import { AgentFailure, AgentRefusal, asAgentError, nameErrno } from '../../../../host/src/device/agent-refusal.js';

type Body = MessageBody<'error'>;

function judge(body: Partial<Body> & Pick<Body, 'code'>, step: 'load' | 'read') {
  const error = asAgentError(new AgentRefusal({ errno: 0, path: '', detail: '', ...body }), step, 'S');
  if (error instanceof AgentFailure) return [error.trouble, error.message];
  return [error.code, error.details];
}

test('asAgentError: the phone refuses as it does to the shell, with errno, path and words', () => {
  assert.deepEqual(judge({ code: 'not-root', detail: 'uid 2000' }, 'load'), [
    'not-root',
    { serial: 'S', tried: ['uid 2000'] },
  ]);
  assert.deepEqual(judge({ code: 'vermagic', detail: '/x.ko (6.1);' }, 'load'), [
    'module-refused',
    { serial: 'S', reason: 'vermagic', output: '/x.ko (6.1);' },
  ]);
  for (const [errno, reason] of [
    [1, 'EPERM'],
    [8, 'ENOEXEC'],
    [13, 'EACCES'],
    [126, 'ENOKEY'],
    [129, 'EKEYREJECTED'],
  ] as const) {
    assert.deepEqual(judge({ code: 'load', errno, path: '/x.ko' }, 'load'), [
      'module-refused',
      { serial: 'S', reason, output: `load: ${reason} /x.ko` },
    ]);
  }
  assert.deepEqual(judge({ code: 'no-archive', detail: 'none' }, 'load'), [
    'module-refused',
    { serial: 'S', reason: 'unknown', output: 'no-archive: none' },
  ]);
  const io = { code: 'io', errno: 2, path: '/sys/kernel/kheaders.tar.xz' } as const;
  const details = { serial: 'S', reason: 'ENOENT', output: 'io: ENOENT /sys/kernel/kheaders.tar.xz' };
  assert.deepEqual(judge(io, 'read'), ['read-refused', details]);
  assert.deepEqual(judge(io, 'load'), ['module-refused', details]);
});

test('asAgentError: every other code is a failure of the helper, not of the phone', () => {
  const ofThePhone = ['not-root', 'vermagic', 'load', 'no-archive', 'io'];
  for (const code of wireCodes) {
    const error = asAgentError(new AgentRefusal({ code, errno: 0, path: '', detail: 'why' }), 'load', 'S');
    assert.equal(isKhError(error), ofThePhone.includes(code), code);
    if (error instanceof AgentFailure) assert.match(error.message, new RegExp(`^it answered ${code}: why$`));
  }
});

test('nameErrno has the names of Linux, whatever this host is, and a number for the rest', () => {
  assert.deepEqual([1, 2, 5, 38, 110, 4095].map(nameErrno), [
    'EPERM',
    'ENOENT',
    'EIO',
    'ENOSYS',
    'ETIMEDOUT',
    'errno 4095',
  ]);
});
