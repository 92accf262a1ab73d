// The ABIs of Android that the agent is built for, and how Debian calls their processors.

/**
 * @typedef {object} Abi
 * @property {string} architecture Debian's name
 * @property {string} triplet GNU's name
 * @property {string} musl musl's name
 * @property {string} sha256 of the package with the C library
 * @property {readonly string[]} flags for the compiler
 * @property {readonly string[]} libraries beside -lc and -lgcc
 */

/** @type {Readonly<Record<string, Abi>>} */
export const abis = {
  'arm64-v8a': {
    architecture: 'arm64',
    triplet: 'aarch64-linux-gnu',
    musl: 'aarch64-linux-musl',
    sha256: '384ea029e3694baac696d3993d93246f9a4b3741c493697e1ceb7256d8820748',
    // Outline atomics ask glibc which instructions there are.
    flags: ['-march=armv8-a', '-mno-outline-atomics'],
    libraries: [],
  },
  'armeabi-v7a': {
    architecture: 'armhf',
    triplet: 'arm-linux-gnueabihf',
    musl: 'arm-linux-musleabihf',
    sha256: 'db485234c01cb9887da0907f3e47d36d101a3299528afd3bbeb46edd551c8264',
    flags: ['-march=armv7-a+fp', '-mthumb'],
    libraries: [],
  },
  riscv64: {
    architecture: 'riscv64',
    triplet: 'riscv64-linux-gnu',
    musl: 'riscv64-linux-musl',
    sha256: '1666931c146dd7fec5902c7ecfbf0c8566528362c922a1cfa4ed91c6d3bc97ce',
    flags: [],
    // Atomic operations on bytes are not instructions there.
    libraries: ['libatomic.a'],
  },
  x86_64: {
    architecture: 'amd64',
    triplet: 'x86_64-linux-gnu',
    musl: 'x86_64-linux-musl',
    sha256: 'a3f7d47e452129bb65aae201d6c115abf4d5d3efb136b38b7c6b4fa03ec065e9',
    // For -Os gcc writes `rep stosb` in its place, which an emulated phone carries out byte by byte.
    flags: ['-fno-builtin-memset'],
    libraries: [],
  },
};

/**
 * The Debian package with the C library of an ABI. It is asked for by its place in the pool: a mirror renews its lists of
 * other architectures one after the other, and apt refuses what does not fit together. `name` is for the day on which
 * Debian has replaced that file.
 */
export function libraryOf(abi) {
  const { architecture, sha256 } = abis[abi];
  const path = `pool/main/m/musl/musl-dev_1.2.5-3.1~deb13u1_${architecture}.deb`;
  return { name: `musl-dev:${architecture}/trixie`, architecture, path, sha256 };
}

/** The Debian packages with the compiler of an ABI; its own machine's compiler is the installed one. */
export function compilerOf(abi, hostTriplet) {
  const { architecture, triplet } = abis[abi];
  if (triplet === hostTriplet) return [];
  const target = triplet.replace('_', '-');
  const packages = [
    `gcc-12-${target}`,
    `cpp-12-${target}`,
    `binutils-${target}`,
    `libgcc-12-dev-${architecture}-cross`,
  ];
  return packages.map((name) => `${name}/bookworm`);
}
