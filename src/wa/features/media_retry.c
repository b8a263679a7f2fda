/* Files that are gone from the hosts: the phone is asked to upload them again (protocol map 7.5). */
#include "wa/media.h"

#include "base/clock.h"
#include "crypto/aead.h"
#include "crypto/hkdf.h"
#include "wa/internal.h"
#include "wa/proto/pb.h"

static void retry_key(const uint8_t media_key[32], uint8_t out[32])
{
    cr_hkdf_sha256(BX_STR(""), bx_str_n(media_key, 32), BX_STR("WhatsApp Media Retry Notification"),
                   out, 32);
}

static void add_bytes(struct bx_arena *arena, struct wa_node *parent, const char *tag,
                      const void *bytes, size_t len)
{
    wa_node_bytes(wa_node_add(parent, wa_node_new(arena, tag)),
                  bx_arena_str(arena, bx_str_n(bytes, len)));
}

int wa_client_media_retry(struct wa_client *c, const struct wa_media_retry *retry)
{
    struct wa_jid me, chat;
    if (!c->has_settled)
        return BX_E_STATE;
    if (wa_jid_parse(bx_str(c->creds->jid), &me) < 0 || wa_jid_parse(retry->chat, &chat) < 0)
        return BX_E_INVALID;
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    me = wa_jid_without_device(me);
    uint8_t key[32], iv[CR_GCM_IV_SIZE];
    Wap__ServerErrorReceipt *body =
        WA_PB_NEW(&arena, Wap__ServerErrorReceipt, server_error_receipt);
    body->stanza_id = wa_pb_text(&arena, retry->id);
    struct bx_str plain = wa_pb_pack(body, &arena);
    uint8_t *sealed = bx_arena_alloc(&arena, plain.len + CR_GCM_TAG_SIZE);
    retry_key(retry->media_key, key);
    bx_random(iv, sizeof iv);
    cr_gcm_seal(key, iv, retry->id, plain, sealed);
    struct wa_node *receipt =
        WA_NODE(&arena, "receipt", wa_str("id", retry->id), wa_lit("type", "server-error"),
                wa_to("to", wa_jid_text(&arena, &me)));
    struct wa_node *encrypt = wa_node_add(receipt, wa_node_new(&arena, "encrypt"));
    add_bytes(&arena, encrypt, "enc_p", sealed, plain.len + CR_GCM_TAG_SIZE);
    add_bytes(&arena, encrypt, "enc_iv", iv, sizeof iv);
    struct wa_node *rmr =
        wa_node_add(receipt, WA_NODE(&arena, "rmr", wa_to("jid", retry->chat),
                                     wa_lit("from_me", retry->is_from_me ? "true" : "false")));
    if (wa_jid_is_group(&chat) && retry->sender.len)
        wa_node_set(rmr, wa_to("participant", retry->sender));
    int rc = wa_send_node(c, receipt);
    bx_arena_done(&arena);
    return rc;
}

int wa_media_retry_open(const uint8_t media_key[32], struct bx_str id, struct bx_str iv,
                        struct bx_str sealed, struct bx_arena *arena,
                        struct bx_str *out_direct_path)
{
    enum { SUCCESS = 1 };
    uint8_t key[32];
    Wap__MediaRetryNotification *n;
    if (iv.len != CR_GCM_IV_SIZE || sealed.len < CR_GCM_TAG_SIZE)
        return BX_E_CRYPTO;
    size_t len = sealed.len - CR_GCM_TAG_SIZE;
    uint8_t *plain = bx_arena_alloc(arena, len + 1);
    retry_key(media_key, key);
    if (cr_gcm_open(key, (const uint8_t *)iv.ptr, id, sealed, plain) < 0 ||
        WA_PB_UNPACK(media_retry_notification, bx_str_n(plain, len), arena, &n) < 0)
        return BX_E_CRYPTO;
    if (n->stanza_id && !bx_str_eq(bx_str(n->stanza_id), id))
        return BX_E_CRYPTO;
    if (n->result != SUCCESS || !n->direct_path || n->direct_path[0] != '/')
        return BX_E_NOT_FOUND;
    *out_direct_path = bx_arena_str(arena, bx_str(n->direct_path));
    return BX_OK;
}

static struct bx_str bytes_of(const struct wa_node *parent, const char *tag)
{
    const struct wa_node *n = wa_node_child(parent, tag);
    return n ? n->data : (struct bx_str){0};
}

/* Lane. */
int wa_on_media_retry(struct wa_job *job, const struct wa_node *n)
{
    const struct wa_node *encrypt = wa_node_child(n, "encrypt"), *rmr = wa_node_child(n, "rmr");
    if (!rmr || !wa_node_attr(n, "id").len)
        return BX_OK;
    struct wa_media_retried *r = &wa_job_event(job, WA_EVENT_MEDIA_RETRY)->media_retried;
    r->id = wa_node_attr(n, "id");
    r->is_from_me = wa_node_attr_is(rmr, "from_me", "true");
    r->error = (int)wa_node_attr_u64_or(wa_node_child(n, "error"), "code", 0);
    r->sealed = bytes_of(encrypt, "enc_p");
    r->iv = bytes_of(encrypt, "enc_iv");
    int rc = wa_peer_of_text(job, wa_node_attr(rmr, "participant"), &r->sender);
    return rc < 0 ? rc : wa_peer_of_text(job, wa_node_attr(rmr, "jid"), &r->chat);
}
