// The ABIs of Android that the agent is built for, and how Debian calls their processors.

/**
 * @typedef {object} Abi
 * @property {string} architecture Debian's name
 * @property {string} triplet GNU's name
 * @property {string} musl musl's name
 * @property {readonly string[]} flags for the compiler
 * @property {readonly string[]} libraries beside -lc and -lgcc
 */

/** @type {Readonly<Record<string, Abi>>} */
export const abis = {
  'arm64-v8a': {
    architecture: 'arm64',
    triplet: 'aarch64-linux-gnu',
    musl: 'aarch64-linux-musl',
    // Outline atomics ask glibc which instructions there are.
    flags: ['-march=armv8-a', '-mno-outline-atomics'],
    libraries: [],
  },
  'armeabi-v7a': {
    architecture: 'armhf',
    triplet: 'arm-linux-gnueabihf',
    musl: 'arm-linux-musleabihf',
    flags: ['-march=armv7-a+fp', '-mthumb'],
    libraries: [],
  },
  riscv64: {
    architecture: 'riscv64',
    triplet: 'riscv64-linux-gnu',
    musl: 'riscv64-linux-musl',
    flags: [],
    // Atomic operations on bytes are not instructions there.
    libraries: ['libatomic.a'],
  },
  x86_64: {
    architecture: 'amd64',
    triplet: 'x86_64-linux-gnu',
    musl: 'x86_64-linux-musl',
    // For -Os gcc writes `rep stosb` in its place, which an emulated phone carries out byte by byte.
    flags: ['-fno-builtin-memset'],
    libraries: [],
  },
};

/** The Debian packages with the compiler and the C library of an ABI; its own machine's compiler is the installed one. */
export function packagesOf(name, hostTriplet) {
  const { architecture, triplet } = abis[name];
  const library = `musl-dev:${architecture}/trixie`;
  if (triplet === hostTriplet) return [library];
  const target = triplet.replace('_', '-');
  const compiler = [
    `gcc-12-${target}`,
    `cpp-12-${target}`,
    `binutils-${target}`,
    `libgcc-12-dev-${architecture}-cross`,
  ];
  return [library, ...compiler.map((name) => `${name}/bookworm`)];
}
