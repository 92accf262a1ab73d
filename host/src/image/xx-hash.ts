/** The primes of XXH32 (xxHash fast digest algorithm 0.1.1). */
const [prime1, prime2, prime3, prime4, prime5] = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1] as const;

/** XXH32 of bytes with seed 0, unsigned: the checksum of lz4 frames. */
export function hashXx32(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let hash: number = prime5;
  if (bytes.length >= 16) {
    const lanes = [(prime1 + prime2) | 0, prime2, 0, -prime1];
    for (; at + 16 <= bytes.length; at += 16) {
      for (let lane = 0; lane < 4; lane++) {
        const mixed = ((lanes[lane] ?? 0) + Math.imul(view.getUint32(at + lane * 4, true), prime2)) | 0;
        lanes[lane] = Math.imul(rotate(mixed, 13), prime1);
      }
    }
    hash = lanes.reduce((sum, lane, index) => sum + rotate(lane, [1, 7, 12, 18][index] ?? 0), 0);
  }
  hash = (hash + bytes.length) | 0;
  for (; at + 4 <= bytes.length; at += 4) {
    hash = Math.imul(rotate((hash + Math.imul(view.getUint32(at, true), prime3)) | 0, 17), prime4);
  }
  for (; at < bytes.length; at++) {
    hash = Math.imul(rotate((hash + Math.imul(view.getUint8(at), prime5)) | 0, 11), prime1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), prime2);
  hash = Math.imul(hash ^ (hash >>> 13), prime3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
