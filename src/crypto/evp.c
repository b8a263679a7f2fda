#include "crypto/evp.h"

#include "base/err.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <pthread.h>
#include <sodium.h>

static struct cr_evp table;

static EVP_MAC_CTX *hmac_template(EVP_MAC *mac, char *digest)
{
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    BX_ASSERT(ctx && EVP_MAC_CTX_set_params(ctx, params));
    return ctx;
}

static void table_fill(void)
{
    BX_ASSERT(sodium_init() >= 0);
    table = (struct cr_evp){
        .md5 = EVP_MD_fetch(NULL, "MD5", NULL),
        .sha1 = EVP_MD_fetch(NULL, "SHA1", NULL),
        .sha256 = EVP_MD_fetch(NULL, "SHA256", NULL),
        .sha512 = EVP_MD_fetch(NULL, "SHA512", NULL),
        .gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL),
        .cbc = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL),
        .ctr = EVP_CIPHER_fetch(NULL, "AES-256-CTR", NULL),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    BX_ASSERT(mac && table.md5 && table.sha1 && table.sha256 && table.sha512);
    BX_ASSERT(table.gcm && table.cbc && table.ctr);
    table.hmac_sha256 = hmac_template(mac, (char[]){"SHA256"});
    table.hmac_sha512 = hmac_template(mac, (char[]){"SHA512"});
    EVP_MAC_free(mac);
}

const struct cr_evp *cr_evp(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, table_fill);
    return &table;
}
