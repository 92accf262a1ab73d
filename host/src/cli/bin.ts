#!/usr/bin/env node
import { tool } from '../core/tool.js';

// `--version` is what scripts call to see whether the tool is there: it answers before anything else is loaded.
const [first, second] = process.argv.slice(2);
if ((first === '--version' || first === '-V') && second === undefined) process.stdout.write(`${tool.version}\n`);
else void import('./main.js').then(({ main }) => main(process.argv.slice(2)));
