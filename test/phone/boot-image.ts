import { createHash } from 'node:crypto';

/** Header versions that phones have; version 1 differs from 2 only in having no device tree. */
export const HEADER_VERSIONS = [0, 1, 2, 3, 4] as const;
export type HeaderVersion = (typeof HEADER_VERSIONS)[number];

export interface BootImageParts {
  header: HeaderVersion;
  kernel: Buffer;
  ramdisk?: Buffer;
  /** Versions 0 to 2: a second stage loader. */
  second?: Buffer;
  /** Version 2: the device tree, which must not be empty there. */
  dtb?: Buffer;
  /** Version 4: the signature of generic kernel images. */
  signature?: Buffer;
  /** Versions 0 to 2: 2048 to 16384 bytes, 4096 unless given. Later versions know 4096 only. */
  pageSize?: number;
  commandLine?: string;
}

type Parts = Required<BootImageParts>;

const MAGIC = Buffer.from('ANDROID!');
/** Android 14, security patch level 2024-01, packed as in bootimg.h. */
const OS_VERSION = (((14 << 14) << 11) | ((2024 - 2000) << 4) | 1) >>> 0;

function words(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4);
  values.forEach((value, at) => buffer.writeUInt32LE(value, at * 4));
  return buffer;
}

function text(value: string, size: number): Buffer {
  const buffer = Buffer.alloc(size);
  if (buffer.write(value) >= size) throw new Error(`more than ${size - 1} bytes: ${value}`);
  return buffer;
}

function pad(data: Buffer, pageSize: number): Buffer {
  return Buffer.concat([data, Buffer.alloc((pageSize - (data.length % pageSize)) % pageSize)]);
}

/** The id field: SHA-1 over each part and its size, as mkbootimg computes it. */
function imageId(parts: readonly Buffer[]): Buffer {
  const hash = createHash('sha1');
  for (const part of parts) hash.update(part).update(words(part.length));
  return Buffer.concat([hash.digest(), Buffer.alloc(12)]);
}

/** struct boot_img_hdr_v0 to v2 of AOSP's system/tools/mkbootimg/include/bootimg/bootimg.h. */
function oldHeader({ header, kernel, ramdisk, second, dtb, pageSize, commandLine }: Parts): Buffer {
  const recovery = Buffer.alloc(0);
  const hashed = [kernel, ramdisk, second, ...(header > 0 ? [recovery] : []), ...(header > 1 ? [dtb] : [])];
  const common = [
    MAGIC,
    words(kernel.length, 0x10008000),
    words(ramdisk.length, ramdisk.length > 0 ? 0x11000000 : 0),
    words(second.length, second.length > 0 ? 0x10f00000 : 0),
    words(0x10000100),
    words(pageSize, header, OS_VERSION),
    text('phone', 16),
    text(commandLine, 512),
    imageId(hashed),
    Buffer.alloc(1024),
  ];
  const headerSize = { 1: 1648, 2: 1660 }[header as 1 | 2];
  if (header > 0) common.push(words(0, 0, 0, headerSize));
  if (header > 1) common.push(words(dtb.length, 0x11f00000, 0));
  return Buffer.concat(common);
}

/** struct boot_img_hdr_v3 and v4: pages of 4096 bytes, and neither addresses nor a device tree. */
function currentHeader({ header, kernel, ramdisk, signature, commandLine }: Parts): Buffer {
  const headerSize = header === 3 ? 1580 : 1584;
  const common = [
    MAGIC,
    words(kernel.length, ramdisk.length, OS_VERSION, headerSize, 0, 0, 0, 0, header),
    text(commandLine, 1536),
  ];
  if (header === 4) common.push(words(signature.length));
  return Buffer.concat(common);
}

/** A boot.img as AOSP's mkbootimg makes it: header and parts, each padded to whole pages. */
export function makeBootImage(given: BootImageParts): Buffer {
  const none = Buffer.alloc(0);
  const dtb = given.header === 2 ? Buffer.from('d00dfeed', 'hex') : none;
  const defaults = { ramdisk: none, second: none, dtb, signature: none, pageSize: 4096, commandLine: '' };
  const parts: Parts = { ...defaults, ...given };
  if (parts.header >= 3) {
    const content = [currentHeader(parts), parts.kernel, parts.ramdisk, parts.signature];
    return Buffer.concat(content.map((part) => pad(part, 4096)));
  }
  const content = [oldHeader(parts), parts.kernel, parts.ramdisk, parts.second, parts.dtb];
  return Buffer.concat(content.map((part) => pad(part, parts.pageSize)));
}
