#include "wa/noise/cert.h"

#include "base/err.h"
#include "crypto/hash.h"
#include "wa/proto/link.pb-c.h"
#include "wa/proto/pb.h"

const uint8_t WA_CERT_ROOT[CR_CURVE_KEY_SIZE] = {
    0x14, 0x23, 0x75, 0x57, 0x4d, 0x0a, 0x58, 0x71, 0x66, 0xaa, 0xe7, 0x1e, 0xbe, 0x51, 0x64, 0x37,
    0xc4, 0xa2, 0x8b, 0x73, 0xe3, 0x69, 0x5c, 0x6c, 0xe1, 0xf7, 0xf9, 0x54, 0x5d, 0xa8, 0xee, 0x6b};

#define Details Wap__NoiseCertificate__Details

/* Signature of one certificate, then its content. */
static int open_cert(const Wap__NoiseCertificate *cert, const uint8_t *issuer,
                     struct bx_arena *arena, Details **out)
{
    Details *details;
    if (!cert || !cert->has_details || cert->signature.len != CR_SIGNATURE_SIZE)
        return BX_E_INVALID;
    struct bx_str bytes = wa_pb_str(cert->details);
    int rc = WA_PB_UNPACK(noise_certificate__details, bytes, arena, &details);
    if (rc < 0)
        return rc;
    if (details->key.len != CR_CURVE_KEY_SIZE)
        return BX_E_INVALID;
    if (!cr_verify(issuer, bytes, cert->signature.data))
        return BX_E_CRYPTO;
    *out = details;
    return BX_OK;
}

static bool is_current(const Details *d, int64_t now_s, int64_t slack_s)
{
    return (!d->has_not_before || (int64_t)d->not_before <= now_s + slack_s) &&
           (!d->has_not_after || (int64_t)d->not_after >= now_s - slack_s);
}

static int verify(struct bx_str chain, const uint8_t *server_static, const uint8_t *root,
                  int64_t now_s, int64_t slack_s, struct bx_arena *arena)
{
    Wap__CertChain *c;
    Details *intermediate, *leaf;
    int rc = WA_PB_UNPACK(cert_chain, chain, arena, &c);
    if (rc < 0 || (rc = open_cert(c->intermediate, root, arena, &intermediate)) < 0 ||
        (rc = open_cert(c->leaf, intermediate->key.data, arena, &leaf)) < 0)
        return rc;
    if (intermediate->issuer_serial != 0 || leaf->issuer_serial != intermediate->serial ||
        !cr_equal(leaf->key.data, server_static, CR_CURVE_KEY_SIZE))
        return BX_E_CRYPTO;
    if (!is_current(intermediate, now_s, slack_s) || !is_current(leaf, now_s, slack_s))
        return BX_E_EXPIRED;
    return BX_OK;
}

int wa_cert_verify(struct bx_str chain, const uint8_t server_static[CR_CURVE_KEY_SIZE],
                   const uint8_t root[CR_CURVE_KEY_SIZE], int64_t now_s, int64_t slack_s)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 64 << 10);
    int rc = verify(chain, server_static, root, now_s, slack_s, &arena);
    bx_arena_done(&arena);
    return rc;
}

struct plan {
    uint32_t serial, issuer_serial;
    const uint8_t *key, *issuer_priv, *random;
    int64_t now_s;
};

static Wap__NoiseCertificate *make_cert(const struct plan *p, struct bx_arena *arena)
{
    Wap__NoiseCertificate *cert = WA_PB_NEW(arena, Wap__NoiseCertificate, noise_certificate);
    Details *d = WA_PB_NEW(arena, Details, noise_certificate__details);
    uint8_t *signature = bx_arena_alloc(arena, CR_SIGNATURE_SIZE);
    WA_PB_SET(d, serial, p->serial);
    WA_PB_SET(d, issuer_serial, p->issuer_serial); /* written even when 0: clients insist */
    WA_PB_SET_BYTES(d, key, bx_str_n(p->key, CR_CURVE_KEY_SIZE));
    WA_PB_SET(d, not_before, (uint64_t)(p->now_s - 24 * 3600));
    WA_PB_SET(d, not_after, (uint64_t)(p->now_s + 365 * 24 * 3600));
    struct bx_str bytes = wa_pb_pack(d, arena);
    cr_sign(p->issuer_priv, bytes, p->random, signature);
    WA_PB_SET_BYTES(cert, details, bytes);
    WA_PB_SET_BYTES(cert, signature, bx_str_n(signature, CR_SIGNATURE_SIZE));
    return cert;
}

struct bx_str wa_cert_build(const struct cr_keypair *root, const struct cr_keypair *intermediate,
                            const uint8_t server_static[CR_CURVE_KEY_SIZE], int64_t now_s,
                            enum wa_cert_flaw flaw, const uint8_t random[128],
                            struct bx_arena *arena)
{
    enum { TWO_YEARS_S = 2 * 365 * 24 * 3600 };
    const struct cr_keypair *signer = flaw == WA_CERT_OTHER_ROOT ? intermediate : root;
    const uint8_t *key = flaw == WA_CERT_OTHER_KEY ? root->pub : server_static;
    int64_t t = now_s + (flaw == WA_CERT_EXPIRED   ? -TWO_YEARS_S
                         : flaw == WA_CERT_NOT_YET ? TWO_YEARS_S
                                                   : 0);
    uint32_t issuer = flaw == WA_CERT_BAD_SERIAL ? 7 : 1;
    Wap__CertChain *chain = WA_PB_NEW(arena, Wap__CertChain, cert_chain);
    chain->intermediate =
        make_cert(&(struct plan){1, 0, intermediate->pub, signer->priv, random, t}, arena);
    chain->leaf =
        make_cert(&(struct plan){2, issuer, key, intermediate->priv, random + 64, t}, arena);
    if (flaw == WA_CERT_BAD_SIGNATURE)
        chain->leaf->signature.data[5] ^= 1;
    return wa_pb_pack(chain, arena);
}
