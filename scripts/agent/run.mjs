import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';

const waiting = [];
let free = availableParallelism();

/** Runs a program and returns what it printed, at most one a processor at a time. Its complaints are the error's text. */
export async function run(file, args, options = {}) {
  if (free > 0) free--;
  else await new Promise((resume) => waiting.push(resume));
  try {
    return await execute(file, args, options);
  } finally {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
  }
}

function execute(file, args, options) {
  return new Promise((done, fail) => {
    execFile(file, args, { maxBuffer: 1 << 26, ...options }, (error, stdout, stderr) => {
      if (error === null) done(stdout);
      else fail(new Error(`${[file, ...args].join(' ')}\n${stderr || error.message}`));
    });
  });
}
