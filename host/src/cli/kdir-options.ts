import type { Argv } from 'yargs';
import type { KdirOptions } from '../building.js';

/** What a build tree is made from, as `kdir` and `build` take it. */
export interface KdirArguments {
  readonly kbuild?: string | undefined;
  readonly symvers?: string | undefined;
  readonly image?: string | undefined;
  readonly allowMismatch?: boolean | undefined;
  readonly llvm?: boolean | undefined;
  readonly cross?: string | undefined;
}

export function addKdirOptions<T>(parser: Argv<T>): Argv<T & KdirArguments> {
  return parser
    .option('kbuild', {
      type: 'string',
      requiresArg: true,
      describe:
        'Kernel source (folder or tarball) or Debian’s headers-common folder, for Makefile and scripts [default: auto]',
    })
    .option('symvers', { type: 'string', requiresArg: true, describe: 'A Module.symvers of this very kernel' })
    .option('image', {
      type: 'string',
      requiresArg: true,
      describe: 'An image of this very kernel (vmlinux, Image, boot.img …): the CRCs are read from it',
    })
    .option('allow-mismatch', { type: 'boolean', describe: 'Take Kbuild files of another kernel series' })
    .option('llvm', { type: 'boolean', describe: 'Compile with clang [default: as the kernel was]' })
    .option('cross', {
      type: 'string',
      requiresArg: true,
      describe: 'Compile with gcc of this prefix (aarch64-linux-gnu-)',
      conflicts: ['llvm'],
    });
}

export function kdirOptionsOf({ kbuild, symvers, image, allowMismatch, llvm, cross }: KdirArguments): KdirOptions {
  return { kbuild, symvers, image, allowMismatch, llvm, cross };
}
