// android_pubkey_decode() for OpenSSL 3: the original fills BoringSSL's struct rsa_st by hand.
#include <crypto_utils/android_pubkey.h>

#include <string.h>

#include <algorithm>
#include <iterator>

#include <openssl/bn.h>
#include <openssl/rsa.h>

namespace {
// Android's public key format: little-endian words, with Montgomery helpers that OpenSSL computes for itself.
struct EncodedKey {
    uint32_t modulus_words;
    uint32_t n0inv;
    uint8_t modulus[ANDROID_PUBKEY_MODULUS_SIZE];
    uint8_t rr[ANDROID_PUBKEY_MODULUS_SIZE];
    uint32_t exponent;
};
static_assert(sizeof(EncodedKey) == ANDROID_PUBKEY_ENCODED_SIZE);
}  // namespace

extern "C" bool android_pubkey_decode(const uint8_t* buffer, size_t size, RSA** key) {
    EncodedKey encoded;
    if (size < sizeof(encoded)) return false;
    memcpy(&encoded, buffer, sizeof(encoded));
    if (encoded.modulus_words != ANDROID_PUBKEY_MODULUS_SIZE / sizeof(uint32_t)) return false;

    std::reverse(std::begin(encoded.modulus), std::end(encoded.modulus));
    BIGNUM* modulus = BN_bin2bn(encoded.modulus, sizeof(encoded.modulus), nullptr);
    BIGNUM* exponent = BN_new();
    RSA* rsa = RSA_new();
    if (modulus && exponent && rsa && BN_set_word(exponent, encoded.exponent) &&
        RSA_set0_key(rsa, modulus, exponent, nullptr)) {
        *key = rsa;
        return true;
    }
    RSA_free(rsa);
    BN_free(modulus);
    BN_free(exponent);
    return false;
}
