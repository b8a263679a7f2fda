/* Enough one-time prekeys on the server: counted at login and when the server says it is low. */
#include "wa/internal.h"

#include "base/clock.h"
#include <stdlib.h>

enum { LOW_WATER = 5, FIRST_COUNT = 812, REFILL = 50 };

struct upload {
    unsigned count;
    void (*then)(struct wa_client *c);
    uint32_t next; /* id after the last of this batch */
    struct wa_node *iq;
};

/* --- lane --- */

static struct wa_node *key_node(struct bx_arena *a, const char *tag, const struct wa_prekey *key)
{
    struct wa_node *n = wa_node_new(a, tag);
    wa_node_be(wa_node_add(n, wa_node_new(a, "id")), key->id, 3);
    wa_node_bytes(wa_node_add(n, wa_node_new(a, "value")), bx_str_n(key->pub, CR_CURVE_KEY_SIZE));
    return n;
}

static struct wa_node *signed_node(struct bx_arena *a, const struct wa_prekey *key)
{
    struct wa_node *n = key_node(a, "skey", key);
    wa_node_bytes(wa_node_add(n, wa_node_new(a, "signature")),
                  bx_str_n(key->signature, CR_SIGNATURE_SIZE));
    return n;
}

static int current_signed(struct wa_job *job, struct wa_prekey *out)
{
    uint64_t id;
    int rc = wa_self_get_u64(job->ks, "signed_prekey", 1, &id);
    return rc < 0 ? rc : wa_signed_prekey_get(job->signal, (uint32_t)id, out);
}

/* Those that were made but never reached the server, then fresh ones. */
static int gather(struct wa_job *job, uint32_t from, uint32_t next, unsigned count,
                  struct wa_prekey *out, uint32_t *out_next)
{
    unsigned n = 0;
    for (uint32_t id = from; id != next && n < count; id = wa_prekey_next_id(id, 1)) {
        int rc = wa_prekey_get(job->signal, id, &out[n]);
        if (rc == BX_OK)
            n++;
        else if (rc != BX_E_NOT_FOUND)
            return rc;
        from = wa_prekey_next_id(id, 1);
    }
    if (n == count) {
        *out_next = from;
        return BX_OK;
    }
    *out_next = wa_prekey_next_id(next, count - n);
    return wa_prekeys_generate(job->signal, next, count - n, out + n);
}

static struct wa_node *upload_iq(struct wa_job *job, const struct wa_prekey *keys, unsigned count,
                                 const struct wa_prekey *skey)
{
    struct bx_arena *a = &job->out;
    uint8_t type = 5;
    struct wa_node *iq = WA_NODE(a, "iq", wa_to("to", WA_SERVER_JID), wa_lit("type", "set"),
                                 wa_lit("xmlns", "encrypt"));
    wa_node_be(wa_node_add(iq, wa_node_new(a, "registration")), job->creds->self.registration_id,
               4);
    wa_node_bytes(wa_node_add(iq, wa_node_new(a, "type")), bx_arena_str(a, bx_str_n(&type, 1)));
    wa_node_bytes(wa_node_add(iq, wa_node_new(a, "identity")),
                  bx_str_n(job->creds->self.identity.pub, CR_CURVE_KEY_SIZE));
    struct wa_node *list = wa_node_add(iq, wa_node_new(a, "list"));
    for (unsigned i = 0; i < count; i++)
        wa_node_add(list, key_node(a, "key", &keys[i]));
    wa_node_add(iq, signed_node(a, skey));
    return iq;
}

static int upload_run(struct wa_job *job)
{
    struct upload *u = job->data;
    struct wa_prekey *skey = BX_ARENA_NEW(&job->out, struct wa_prekey);
    uint64_t next, uploaded;
    int rc = wa_self_get_u64(job->ks, "next_prekey", 1, &next);
    if (rc >= 0)
        rc = wa_self_get_u64(job->ks, "uploaded_prekey", 1, &uploaded);
    if (rc < 0)
        return rc;
    unsigned count = next == 1 ? u->count : REFILL;
    struct wa_prekey *keys = bx_arena_alloc(&job->out, count * sizeof *keys);
    uint32_t end = 0;
    rc = gather(job, (uint32_t)uploaded, (uint32_t)next, count, keys, &end);
    if (rc >= 0 && end != next)
        rc = wa_self_put_u64(job->ks, "next_prekey", end > next || end < uploaded ? end : next);
    if (rc >= 0)
        rc = current_signed(job, skey);
    if (rc < 0)
        return rc;
    u->next = end;
    job->result = upload_iq(job, keys, count, skey);
    return BX_OK;
}

static int mark_run(struct wa_job *job)
{
    const uint32_t *next = job->data;
    return wa_self_put_u64(job->ks, "uploaded_prekey", *next);
}

static const struct wa_job_type mark_type = {"prekeys_uploaded", mark_run, NULL};

/* --- loop --- */

struct waiting {
    void (*then)(struct wa_client *c);
    uint32_t next;
};

static void go_on(struct wa_client *c, struct waiting w)
{
    c->prekeys_busy = false;
    if (w.then)
        w.then(c);
}

static void on_uploaded(struct wa_client *c, struct wa_node *answer, struct bx_arena **arena,
                        int rc, void *arg)
{
    struct waiting *w = arg, copy = *w;
    (void)answer, (void)arena;
    free(w);
    if (rc == BX_E_CLOSED)
        return;
    if (rc == BX_OK) {
        struct wa_job *job = wa_job_new(c, &mark_type, NULL, NULL);
        uint32_t *next = BX_ARENA_NEW(job->in, uint32_t);
        *next = copy.next;
        job->data = next;
        wa_job_submit(job);
    }
    go_on(c, copy);
}

static void upload_finish(struct wa_job *job, int rc)
{
    struct wa_client *c = job->client;
    struct upload *u = job->data;
    if (job->connection != c->connection)
        return;
    if (rc < 0) {
        wa_client_end(c, (struct wa_ending){WA_REASON_STORE, WA_THEN_BACKOFF, rc, 0});
        return;
    }
    struct waiting *w = BX_NEW(struct waiting);
    *w = (struct waiting){u->then, u->next};
    if (wa_request_send(c, job->result, 0, on_uploaded, w) < 0)
        free(w);
}

static const struct wa_job_type upload_type = {"prekeys", upload_run, upload_finish};

static void upload(struct wa_client *c, void (*then)(struct wa_client *c))
{
    struct wa_job *job = wa_job_new(c, &upload_type, NULL, NULL);
    struct upload *u = BX_ARENA_NEW(job->in, struct upload);
    u->count = c->opts.prekey_count ? c->opts.prekey_count : FIRST_COUNT;
    u->then = then;
    job->data = u;
    wa_job_submit(job);
}

static void on_count(struct wa_client *c, struct wa_node *answer, struct bx_arena **arena, int rc,
                     void *arg)
{
    struct waiting *w = arg, copy = *w;
    (void)arena;
    free(w);
    if (rc == BX_E_CLOSED)
        return;
    if (rc == BX_E_TIMEOUT) {
        wa_client_end(c, wa_ending_of_rc(rc));
        return;
    }
    uint64_t count = wa_node_attr_u64_or(wa_node_child(answer, "count"), "value", 0);
    if (rc == BX_OK && count < LOW_WATER)
        upload(c, copy.then);
    else
        go_on(c, copy);
}

void wa_prekeys_check(struct wa_client *c, void (*then)(struct wa_client *c))
{
    struct bx_arena arena;
    if (c->prekeys_busy)
        return;
    c->prekeys_busy = true;
    bx_arena_init(&arena, 0);
    struct waiting *w = BX_NEW(struct waiting);
    w->then = then;
    struct wa_node *iq = WA_NODE(&arena, "iq", wa_to("to", WA_SERVER_JID), wa_lit("type", "get"),
                                 wa_lit("xmlns", "encrypt"));
    wa_node_add(iq, wa_node_new(&arena, "count"));
    if (wa_request_send(c, iq, 0, on_count, w) < 0)
        free(w);
    bx_arena_done(&arena);
}
