// Files of tests, one after the other in one process, as long as there is one that no other process has taken.
import { AsyncResource } from 'node:async_hooks';
import { mkdirSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';

/** Node takes a test that is declared while another one runs for a part of it, unless its cause is an older one. */
const root = new AsyncResource('lane');

/** @param paths all files, in the order in which they are to begin; what is taken is marked by a folder beside it. */
export function takeFiles(paths) {
  const path = paths.find(isFree);
  if (path === undefined) return;
  test(`${basename(path)} begins`, async () => {
    await root.runInAsyncScope(() => import(path));
    // Behind the tests of the file, which were declared just now.
    root.runInAsyncScope(() => takeFiles(paths));
  });
}

function isFree(path) {
  try {
    mkdirSync(`${path}.taken`);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}
