/* OpenSSL's algorithm objects, fetched once. Inside this room only. */
#ifndef CR_EVP_H
#define CR_EVP_H

#include <openssl/evp.h>

struct cr_evp {
    EVP_MD *md5, *sha1, *sha256, *sha512;
    EVP_CIPHER *gcm, *cbc, *ctr;            /* AES-256 */
    EVP_MAC_CTX *hmac_sha256, *hmac_sha512; /* templates: duplicate, then key */
};

/* The one table of the process; built by the first caller, who initialises libsodium as well. */
const struct cr_evp *cr_evp(void);

#endif
