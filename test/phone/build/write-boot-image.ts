/** usage: write-boot-image.ts KERNEL BOOT_IMG : header version 4, as phones that came with Android 13 and later have it. */
import { readFile, writeFile } from 'node:fs/promises';
import { makeBootImage } from '../boot-image.js';

const [kernel, bootImage] = process.argv.slice(2);
if (!kernel || !bootImage) throw new Error('usage: write-boot-image.ts KERNEL BOOT_IMG');
await writeFile(bootImage, makeBootImage({ header: 4, kernel: await readFile(kernel) }));
