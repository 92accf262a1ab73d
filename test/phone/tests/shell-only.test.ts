// What killed.test.ts says holds without the agent too: by the phone's own shell alone. Read when it is imported.
process.env['KHEADERS_TEST_AGENT'] = '0';
await import('./killed.test.js');
