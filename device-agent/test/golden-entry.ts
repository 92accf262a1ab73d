import * as std from 'std';
import { readBytes } from '../src/files.js';
import { goldenMessages } from '../../test/golden/agent-messages.js';
import { checkGolden, checkRefused } from '../../test/golden/check.js';
import { refusedFrames } from '../../test/golden/refused-frames.js';

// The checks of the golden and the refused frames in the agent's engine. Argument: the folder of the golden files.
const folder = scriptArgs[1] ?? '';
const golden = Object.entries(goldenMessages).map(([key, plain]) => [
  `${key}.bin`,
  checkGolden(plain, readBytes(`${folder}/${key}.bin`)),
]);
const refused = refusedFrames.map((frame) => [frame.what, checkRefused(frame)]);
std.out.puts(JSON.stringify([...golden, ...refused]));
