import * as native from 'native';
import * as std from 'std';
import { attackReaders, floodReader } from '../../test/agent/hostile-reader.js';

function measure(): number {
  std.gc();
  return native.memoryInUse();
}

// Attacks the agent's reader of frames in the agent's engine. Argument: the seed.
const attacked = attackReaders(Number(scriptArgs[1]), measure);
std.out.puts(JSON.stringify({ attacked, flooded: floodReader(measure) }));
