/* SHA-256 (FIPS 180-4). In C, because the same in TypeScript digests 2 MiB/s in the engine. */
#include <stdint.h>
#include <string.h>

struct sha256 { /* zeros begin a digest */
    uint64_t length;
    uint32_t hash[8];
    uint8_t block[64];
};

static const uint32_t sha256_start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
static const uint32_t sha256_round[64] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7,
    0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c,
    0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

#define ROTATE(x, n) ((x) >> (n) | (x) << (32 - (n)))
/* Instead of moving a..h on by one each round, their names turn; unrolled, they are registers. */
#define V(n) v[(n + 64 - i) % 8]

static void sha256_blocks(uint32_t *hash, const uint8_t *p, size_t count) {
    for (; count-- > 0; p += 64) {
        uint32_t w[64], v[8];
        memcpy(v, hash, sizeof v);
#pragma GCC unroll 64
        for (int i = 0; i < 64; i++) {
            w[i] = i < 16 ? (uint32_t)p[4 * i] << 24 | p[4 * i + 1] << 16 | p[4 * i + 2] << 8 | p[4 * i + 3]
                          : w[i - 16] + w[i - 7] + (ROTATE(w[i - 15], 7) ^ ROTATE(w[i - 15], 18) ^ w[i - 15] >> 3) +
                                (ROTATE(w[i - 2], 17) ^ ROTATE(w[i - 2], 19) ^ w[i - 2] >> 10);
            V(7) += (ROTATE(V(4), 6) ^ ROTATE(V(4), 11) ^ ROTATE(V(4), 25)) + (V(6) ^ (V(4) & (V(5) ^ V(6))));
            V(7) += sha256_round[i] + w[i];
            V(3) += V(7);
            V(7) += (ROTATE(V(0), 2) ^ ROTATE(V(0), 13) ^ ROTATE(V(0), 22)) + ((V(0) & V(1)) | (V(2) & (V(0) | V(1))));
        }
        for (int i = 0; i < 8; i++) hash[i] += v[i];
    }
}

static void sha256_add(struct sha256 *s, const uint8_t *data, size_t size) {
    size_t held = s->length % 64, missing = 64 - held;
    if (s->length == 0) memcpy(s->hash, sha256_start, sizeof s->hash);
    s->length += size;
    if (size >= missing) {
        memcpy(s->block + held, data, missing);
        sha256_blocks(s->hash, s->block, 1);
        data += missing, size -= missing, held = 0;
        sha256_blocks(s->hash, data, size / 64);
        data += size / 64 * 64, size %= 64;
    }
    memcpy(s->block + held, data, size);
}

/* The digest is in hash afterwards, in the order of bytes it is to have, on processors that are little-endian. */
static uint8_t *sha256_end(struct sha256 *s) {
    uint64_t bits = __builtin_bswap64(s->length * 8);
    sha256_add(s, (uint8_t[64]){0x80}, (119 - s->length % 64) % 64 + 1); /* up to the last 8 bytes of a block */
    sha256_add(s, (uint8_t *)&bits, sizeof bits);
    for (int i = 0; i < 8; i++) s->hash[i] = __builtin_bswap32(s->hash[i]);
    return (uint8_t *)s->hash;
}
