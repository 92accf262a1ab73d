import * as std from 'std';
import { readText } from '../src/files.js';
import { attackReaders, floodReader } from '../../test/agent/hostile-reader.js';

const pageSize = 4096;

/** Resident memory: the second number of /proc/self/statm, in pages. */
function measure(): number {
  std.gc();
  return Number(readText('/proc/self/statm')?.split(' ')[1]) * pageSize;
}

// Attacks the agent's reader of frames in the agent's engine. Argument: the seed.
const attacked = attackReaders(Number(scriptArgs[1]), measure);
std.out.puts(JSON.stringify({ attacked, flooded: floodReader(measure) }));
