#include "wa/noise/handshake.h"

#include "base/err.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/hkdf.h"
#include "wa/proto/link.pb-c.h"
#include "wa/proto/pb.h"

enum { KEY = 32, SEALED_KEY = KEY + CR_GCM_TAG_SIZE };

static const char name_xx[] = "Noise_XX_25519_AESGCM_SHA256\0\0\0"; /* 32 bytes with its NUL */
static const char name_fallback[] = "Noise_XXfallback_25519_AESGCM_SHA256";
_Static_assert(sizeof name_xx == 32, "the name is the first hash");

static struct bx_str key_str(const uint8_t key[KEY])
{
    return bx_str_n(key, KEY);
}

static void mix_hash(struct wa_handshake *hs, struct bx_str data)
{
    struct bx_str parts[] = {key_str(hs->hash), data};
    cr_sha256_v(parts, 2, hs->hash);
}

static void mix_key(struct wa_handshake *hs, struct bx_str input)
{
    uint8_t out[2 * KEY];
    cr_hkdf_sha256(key_str(hs->chain_key), input, BX_STR(""), out, sizeof out);
    memcpy(hs->chain_key, out, KEY);
    memcpy(hs->key, out + KEY, KEY);
    hs->count = 0;
    cr_wipe(out, sizeof out);
}

static int mix_agreement(struct wa_handshake *hs, const struct cr_keypair *ours,
                         const uint8_t theirs[KEY])
{
    uint8_t shared[KEY];
    int rc = cr_agree(ours->priv, theirs, shared);
    if (rc >= 0)
        mix_key(hs, key_str(shared));
    cr_wipe(shared, sizeof shared);
    return rc;
}

static void counter_iv(uint32_t count, uint8_t iv[CR_GCM_IV_SIZE])
{
    memset(iv, 0, CR_GCM_IV_SIZE);
    for (int i = 0; i < 4; i++)
        iv[8 + i] = (uint8_t)(count >> (24 - 8 * i));
}

/* out has plain.len + CR_GCM_TAG_SIZE bytes. */
static struct bx_str seal(struct wa_handshake *hs, struct bx_str plain, uint8_t *out)
{
    uint8_t iv[CR_GCM_IV_SIZE];
    counter_iv(hs->count++, iv);
    cr_gcm_seal(hs->key, iv, key_str(hs->hash), plain, out);
    struct bx_str sealed = bx_str_n(out, plain.len + CR_GCM_TAG_SIZE);
    mix_hash(hs, sealed);
    return sealed;
}

static int open_sealed(struct wa_handshake *hs, struct bx_str sealed, uint8_t *out)
{
    uint8_t iv[CR_GCM_IV_SIZE];
    counter_iv(hs->count++, iv);
    int rc = cr_gcm_open(hs->key, iv, key_str(hs->hash), sealed, out);
    if (rc >= 0)
        mix_hash(hs, sealed);
    return rc;
}

static int open_into(struct wa_handshake *hs, struct bx_str sealed, struct bx_arena *arena,
                     struct bx_str *out)
{
    if (sealed.len < CR_GCM_TAG_SIZE)
        return BX_E_INVALID;
    uint8_t *plain = bx_arena_try_alloc(arena, sealed.len);
    if (!plain)
        return BX_E_TOO_BIG;
    int rc = open_sealed(hs, sealed, plain);
    if (rc < 0)
        return rc;
    *out = bx_str_n(plain, sealed.len - CR_GCM_TAG_SIZE);
    return BX_OK;
}

static void start(struct wa_handshake *hs, struct bx_str name, const uint8_t *intro)
{
    if (name.len == KEY)
        memcpy(hs->hash, name.ptr, KEY);
    else
        cr_sha256(name, hs->hash);
    memcpy(hs->chain_key, hs->hash, KEY);
    memcpy(hs->key, hs->hash, KEY);
    hs->count = 0;
    mix_hash(hs, bx_str_n(intro, WA_INTRO_SIZE));
}

void wa_handshake_init(struct wa_handshake *hs, bool is_client, const uint8_t intro[WA_INTRO_SIZE],
                       const struct cr_keypair *statik, const struct cr_keypair *ephemeral)
{
    *hs = (struct wa_handshake){.is_client = is_client, .statik = *statik, .ephemeral = *ephemeral};
    memcpy(hs->intro, intro, WA_INTRO_SIZE);
    start(hs, bx_str_n(name_xx, sizeof name_xx), intro);
}

void wa_handshake_wipe(struct wa_handshake *hs)
{
    cr_wipe(hs, sizeof *hs);
}

static int expect(const struct wa_handshake *hs, bool is_client, int state)
{
    return hs->is_client == is_client && (int)hs->state == state ? BX_OK : BX_E_STATE;
}

static void split(struct wa_handshake *hs, struct wa_transport *t)
{
    uint8_t keys[2 * KEY];
    cr_hkdf_sha256(key_str(hs->chain_key), BX_STR(""), BX_STR(""), keys, sizeof keys);
    *t = (struct wa_transport){0};
    memcpy(hs->is_client ? t->write_key : t->read_key, keys, KEY);
    memcpy(hs->is_client ? t->read_key : t->write_key, keys + KEY, KEY);
    cr_wipe(keys, sizeof keys);
    hs->state = WA_HS_DONE;
}

static int pack(const Wap__HandshakeMessage *m, struct bx_buf *out)
{
    return wa_pb_append(m, out);
}

static bool copy_key(const ProtobufCBinaryData *field, uint8_t out[KEY])
{
    if (field->len != KEY)
        return false;
    memcpy(out, field->data, KEY);
    return true;
}

/* --- client --- */

int wa_handshake_client_hello(struct wa_handshake *hs, struct bx_buf *out)
{
    Wap__HandshakeMessage m = WAP__HANDSHAKE_MESSAGE__INIT;
    Wap__HandshakeMessage__ClientHello hello = WAP__HANDSHAKE_MESSAGE__CLIENT_HELLO__INIT;
    int rc = expect(hs, true, WA_HS_START);
    if (rc < 0)
        return rc;
    WA_PB_SET_BYTES(&hello, ephemeral, key_str(hs->ephemeral.pub));
    m.client_hello = &hello;
    if ((rc = pack(&m, out)) < 0)
        return rc;
    mix_hash(hs, key_str(hs->ephemeral.pub));
    hs->state = WA_HS_HELLO;
    return BX_OK;
}

int wa_handshake_read_server_hello(struct wa_handshake *hs, struct bx_str message,
                                   struct bx_arena *arena, struct bx_str *out_cert_chain)
{
    Wap__HandshakeMessage *m;
    int rc = expect(hs, true, WA_HS_HELLO);
    if (rc < 0 || (rc = WA_PB_UNPACK(handshake_message, message, arena, &m)) < 0)
        return rc;
    Wap__HandshakeMessage__ServerHello *hello = m->server_hello;
    if (!hello || !copy_key(&hello->ephemeral, hs->peer_ephemeral) ||
        hello->static_key.len != SEALED_KEY)
        return BX_E_INVALID;
    mix_hash(hs, key_str(hs->peer_ephemeral));
    if ((rc = mix_agreement(hs, &hs->ephemeral, hs->peer_ephemeral)) < 0 ||
        (rc = open_sealed(hs, wa_pb_str(hello->static_key), hs->peer_static)) < 0 ||
        (rc = mix_agreement(hs, &hs->ephemeral, hs->peer_static)) < 0 ||
        (rc = open_into(hs, wa_pb_str(hello->payload), arena, out_cert_chain)) < 0)
        return rc;
    hs->state = WA_HS_FINISHING;
    return BX_OK;
}

static int append_finish(struct wa_handshake *hs, struct bx_str payload, uint8_t *room,
                         struct bx_buf *out)
{
    Wap__HandshakeMessage m = WAP__HANDSHAKE_MESSAGE__INIT;
    Wap__HandshakeMessage__ClientFinish finish = WAP__HANDSHAKE_MESSAGE__CLIENT_FINISH__INIT;
    uint8_t sealed_key[SEALED_KEY];
    m.client_finish = &finish;
    WA_PB_SET_BYTES(&finish, static_key, seal(hs, key_str(hs->statik.pub), sealed_key));
    int rc = mix_agreement(hs, &hs->statik, hs->peer_ephemeral);
    if (rc < 0)
        return rc;
    WA_PB_SET_BYTES(&finish, payload, seal(hs, payload, room));
    return pack(&m, out);
}

int wa_handshake_client_finish(struct wa_handshake *hs, struct bx_str payload, struct bx_buf *out,
                               struct wa_transport *transport)
{
    struct bx_buf room;
    int rc = expect(hs, true, WA_HS_FINISHING);
    if (rc < 0)
        return rc;
    bx_buf_init(&room, WA_FRAME_MAX);
    rc = bx_buf_reserve(&room, payload.len + CR_GCM_TAG_SIZE);
    if (rc >= 0)
        rc = append_finish(hs, payload, room.data, out);
    if (rc >= 0)
        split(hs, transport);
    bx_buf_done(&room);
    return rc;
}

/* --- server --- */

int wa_handshake_read_client_hello(struct wa_handshake *hs, struct bx_str message,
                                   struct bx_arena *arena)
{
    Wap__HandshakeMessage *m;
    int rc = expect(hs, false, WA_HS_START);
    if (rc < 0 || (rc = WA_PB_UNPACK(handshake_message, message, arena, &m)) < 0)
        return rc;
    Wap__HandshakeMessage__ClientHello *hello = m->client_hello;
    if (!hello || !copy_key(&hello->ephemeral, hs->peer_ephemeral))
        return BX_E_INVALID;
    hs->was_ik = hello->has_static_key && hello->static_key.len > 0;
    if (hs->was_ik)
        start(hs, bx_str(name_fallback), hs->intro);
    mix_hash(hs, key_str(hs->peer_ephemeral));
    hs->state = WA_HS_HELLO;
    return BX_OK;
}

static int append_server_hello(struct wa_handshake *hs, struct bx_str cert_chain, uint8_t *room,
                               struct bx_buf *out)
{
    Wap__HandshakeMessage m = WAP__HANDSHAKE_MESSAGE__INIT;
    Wap__HandshakeMessage__ServerHello hello = WAP__HANDSHAKE_MESSAGE__SERVER_HELLO__INIT;
    uint8_t sealed_key[SEALED_KEY];
    m.server_hello = &hello;
    WA_PB_SET_BYTES(&hello, ephemeral, key_str(hs->ephemeral.pub));
    mix_hash(hs, key_str(hs->ephemeral.pub));
    int rc = mix_agreement(hs, &hs->ephemeral, hs->peer_ephemeral);
    if (rc < 0)
        return rc;
    WA_PB_SET_BYTES(&hello, static_key, seal(hs, key_str(hs->statik.pub), sealed_key));
    if ((rc = mix_agreement(hs, &hs->statik, hs->peer_ephemeral)) < 0)
        return rc;
    WA_PB_SET_BYTES(&hello, payload, seal(hs, cert_chain, room));
    return pack(&m, out);
}

int wa_handshake_server_hello(struct wa_handshake *hs, struct bx_str cert_chain, struct bx_buf *out)
{
    struct bx_buf room;
    int rc = expect(hs, false, WA_HS_HELLO);
    if (rc < 0)
        return rc;
    bx_buf_init(&room, WA_FRAME_MAX);
    rc = bx_buf_reserve(&room, cert_chain.len + CR_GCM_TAG_SIZE);
    if (rc >= 0)
        rc = append_server_hello(hs, cert_chain, room.data, out);
    if (rc >= 0)
        hs->state = WA_HS_FINISHING;
    bx_buf_done(&room);
    return rc;
}

int wa_handshake_read_client_finish(struct wa_handshake *hs, struct bx_str message,
                                    struct bx_arena *arena, struct bx_str *out_payload,
                                    struct wa_transport *transport)
{
    Wap__HandshakeMessage *m;
    int rc = expect(hs, false, WA_HS_FINISHING);
    if (rc < 0 || (rc = WA_PB_UNPACK(handshake_message, message, arena, &m)) < 0)
        return rc;
    Wap__HandshakeMessage__ClientFinish *finish = m->client_finish;
    if (!finish || finish->static_key.len != SEALED_KEY)
        return BX_E_INVALID;
    if ((rc = open_sealed(hs, wa_pb_str(finish->static_key), hs->peer_static)) < 0 ||
        (rc = mix_agreement(hs, &hs->ephemeral, hs->peer_static)) < 0 ||
        (rc = open_into(hs, wa_pb_str(finish->payload), arena, out_payload)) < 0)
        return rc;
    split(hs, transport);
    return BX_OK;
}

/* --- transport --- */

int wa_transport_seal(struct wa_transport *t, struct bx_str plain, struct bx_buf *out)
{
    enum { HEADER = 3 };
    uint8_t iv[CR_GCM_IV_SIZE];
    if (t->write_count == UINT32_MAX)
        return BX_E_STATE;
    if (plain.len > WA_FRAME_MAX - CR_GCM_TAG_SIZE)
        return BX_E_TOO_BIG;
    size_t len = plain.len + CR_GCM_TAG_SIZE;
    int rc = bx_buf_reserve(out, HEADER + len);
    if (rc < 0)
        return rc;
    uint8_t *at = out->data + out->len;
    at[0] = (uint8_t)(len >> 16);
    at[1] = (uint8_t)(len >> 8);
    at[2] = (uint8_t)len;
    counter_iv(t->write_count++, iv);
    cr_gcm_seal(t->write_key, iv, BX_STR(""), plain, at + HEADER);
    out->len += HEADER + len;
    return BX_OK;
}

int wa_transport_open(struct wa_transport *t, uint8_t *sealed, size_t len, struct bx_str *out_plain)
{
    uint8_t iv[CR_GCM_IV_SIZE];
    if (t->read_count == UINT32_MAX)
        return BX_E_STATE;
    counter_iv(t->read_count, iv);
    int rc = cr_gcm_open(t->read_key, iv, BX_STR(""), bx_str_n(sealed, len), sealed);
    if (rc < 0)
        return rc;
    t->read_count++;
    *out_plain = bx_str_n(sealed, len - CR_GCM_TAG_SIZE);
    return BX_OK;
}
