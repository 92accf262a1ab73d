#!/usr/bin/env node
// Stands in git so that npm can link it before anything is built; the program is host/src/cli/bin.ts.
require('../dist/kheaders.cjs');
