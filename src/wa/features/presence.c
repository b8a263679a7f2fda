/* What is transient: who is online, who types; and our own read receipts and typing. */
#include "wa/internal.h"

#include "base/clock.h"

/* People as the stanza names them: no keystore here, so only one of the identities. */
static bool peer_of(const struct wa_client *c, const struct wa_node *n, const char *key,
                    struct bx_arena *a, struct wa_peer *out)
{
    struct wa_jid jid;
    if (wa_node_attr_jid(n, key, &jid) < 0)
        return false;
    struct wa_jid bare = wa_jid_without_device(jid);
    *out = (struct wa_peer){.jid = wa_jid_text(a, &bare),
                            .is_group = wa_jid_is_group(&jid),
                            .is_me = wa_is_me(c->creds, &jid)};
    if (wa_jid_is_pn(&jid))
        out->pn = bx_arena_str(a, jid.user);
    else if (wa_jid_is_lid(&jid))
        out->lid = bx_arena_str(a, jid.user);
    return true;
}

static void on_chatstate(struct wa_client *c, const struct wa_node *n, struct bx_arena *a)
{
    struct wa_peer chat, person;
    const struct wa_node *composing = wa_node_child(n, "composing");
    if (!c->ops->on_typing || !peer_of(c, n, "from", a, &chat))
        return;
    if (!peer_of(c, n, "participant", a, &person))
        person = chat;
    enum wa_typing typing = !composing                                     ? WA_TYPING_PAUSED
                            : wa_node_attr_is(composing, "media", "audio") ? WA_TYPING_RECORDING
                                                                           : WA_TYPING_COMPOSING;
    c->ops->on_typing(c, &chat, &person, typing, c->arg);
}

static void on_presence(struct wa_client *c, const struct wa_node *n, struct bx_arena *a)
{
    struct wa_peer person;
    if (!c->ops->on_presence || !peer_of(c, n, "from", a, &person) || person.is_group)
        return;
    uint64_t last_s = wa_node_attr_u64_or(n, "last", 0);
    c->ops->on_presence(c, &person, !wa_node_attr_is(n, "type", "unavailable"),
                        last_s < UINT32_MAX ? (int64_t)last_s * 1000 : 0, c->arg);
}

void wa_presence_on_stanza(struct wa_client *c, const struct wa_node *n)
{
    struct bx_arena arena;
    if (!wa_creds_is_linked(c->creds))
        return;
    bx_arena_init(&arena, 0);
    if (wa_node_is(n, "chatstate"))
        on_chatstate(c, n, &arena);
    else
        on_presence(c, n, &arena);
    bx_arena_done(&arena);
}

void wa_presence_announce(struct wa_client *c)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    wa_send_node(c, WA_NODE(&arena, "presence",
                            wa_lit("type", c->is_available ? "available" : "unavailable"),
                            wa_lit("name", c->push_name)));
    bx_arena_done(&arena);
}

int wa_client_set_available(struct wa_client *c, bool is_available)
{
    c->is_available = is_available;
    if (!c->has_settled)
        return BX_E_STATE;
    wa_presence_announce(c);
    return BX_OK;
}

int wa_client_set_typing(struct wa_client *c, struct bx_str chat, enum wa_typing typing)
{
    struct bx_arena arena;
    struct wa_jid jid;
    if (!c->has_settled)
        return BX_E_STATE;
    if (wa_jid_parse(chat, &jid) < 0)
        return BX_E_INVALID;
    bx_arena_init(&arena, 0);
    struct wa_node *n = WA_NODE(&arena, "chatstate", wa_to("to", chat));
    struct wa_jid me =
        wa_jid_is_lid(&jid) && c->creds->lid[0] ? wa_me_lid(c->creds) : wa_me(c->creds);
    me.device = 0;
    wa_node_put(n, wa_jid("from", &me));
    struct wa_node *child =
        wa_node_add(n, wa_node_new(&arena, typing == WA_TYPING_PAUSED ? "paused" : "composing"));
    if (typing == WA_TYPING_RECORDING)
        wa_node_put(child, wa_lit("media", "audio"));
    int rc = wa_send_node(c, n);
    bx_arena_done(&arena);
    return rc;
}

int wa_client_mark_read(struct wa_client *c, struct bx_str chat, struct bx_str sender,
                        const struct bx_str *ids, size_t count)
{
    struct bx_arena arena;
    struct wa_jid jid;
    if (!c->has_settled)
        return BX_E_STATE;
    if (count == 0 || wa_jid_parse(chat, &jid) < 0)
        return BX_E_INVALID;
    bx_arena_init(&arena, 0);
    struct wa_node *n =
        WA_NODE(&arena, "receipt", wa_str("id", ids[0]), wa_to("to", chat), wa_lit("type", "read"),
                wa_num("t", bx_wall_ms() / 1000),
                wa_to("participant", wa_jid_is_user(&jid) ? (struct bx_str){0} : sender));
    struct wa_node *list = count > 1 ? wa_node_add(n, wa_node_new(&arena, "list")) : NULL;
    for (size_t i = 1; i < count; i++)
        wa_node_add(list, WA_NODE(&arena, "item", wa_str("id", ids[i])));
    int rc = wa_send_node(c, n);
    bx_arena_done(&arena);
    return rc;
}

/* --- subscribing: needs the person's privacy token, which is in the keystore --- */

static int subscribe_run(struct wa_job *job)
{
    struct wa_jid person;
    struct bx_str token, *text = job->data;
    if (wa_jid_parse(*text, &person) < 0)
        return BX_OK;
    struct wa_node *n =
        WA_NODE(&job->out, "presence", wa_lit("type", "subscribe"), wa_to("to", *text));
    int rc = wa_token_get(job, &person, &token);
    if (rc == BX_OK)
        wa_node_bytes(wa_node_add(n, wa_node_new(&job->out, "tctoken")), token);
    wa_job_send(job, n);
    return rc == BX_E_NOT_FOUND ? BX_OK : rc;
}

static const struct wa_job_type subscribe_type = {.name = "subscribe", .run = subscribe_run};

int wa_client_subscribe(struct wa_client *c, struct bx_str person)
{
    if (!c->has_settled)
        return BX_E_STATE;
    struct wa_job *job = wa_job_new(c, &subscribe_type, NULL, NULL);
    struct bx_str *text = BX_ARENA_NEW(job->in, struct bx_str);
    *text = bx_arena_str(job->in, person);
    job->data = text;
    wa_job_submit(job);
    return BX_OK;
}
