/* Enough one-time prekeys on the server: counted at login and when the server says it is low. */
#include "wa/internal.h"

#include "base/clock.h"
#include "crypto/hash.h"
#include <stdlib.h>

enum { LOW_WATER = 5, FIRST_COUNT = 812, REFILL = 50 };
#define DAY_MS 86400000ull
#define ROTATE_AFTER_MS (30 * DAY_MS)
#define DIGEST_AFTER_MS (7 * DAY_MS)

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

static const struct wa_job_type mark_type = {.name = "prekeys_uploaded", .run = mark_run};

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

static const struct wa_job_type upload_type = {
    .name = "prekeys", .run = upload_run, .finish = upload_finish};

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

/* --- upkeep: a new signed prekey each month, a look at what the server holds each week --- */

struct upkeep {
    struct wa_node *rotate; /* NULL: not due */
    uint32_t id;
    bool is_digest_due;
};

static int is_due(struct wa_job *job, const char *name, uint64_t after_ms, bool *out)
{
    uint64_t at_ms, now_ms = (uint64_t)bx_wall_ms();
    int rc = wa_self_get_u64(job->ks, name, now_ms, &at_ms);
    *out = rc >= 0 && now_ms >= at_ms + after_ms;
    return rc;
}

static int upkeep_run(struct wa_job *job)
{
    struct upkeep *u = BX_ARENA_NEW(&job->out, struct upkeep);
    struct wa_prekey *key = BX_ARENA_NEW(&job->out, struct wa_prekey);
    uint64_t id = 1, digest_ms;
    bool is_rotation_due;
    job->result = u;
    int rc = is_due(job, "signed_prekey_ms", ROTATE_AFTER_MS, &is_rotation_due);
    if (rc >= 0)
        rc = is_due(job, "digest_ms", DIGEST_AFTER_MS, &u->is_digest_due);
    if (rc >= 0)
        rc = wa_self_get_u64(job->ks, "digest_ms", 0, &digest_ms);
    if (rc >= 0 && (u->is_digest_due || digest_ms == 0))
        rc = wa_self_put_u64(job->ks, "digest_ms", (uint64_t)bx_wall_ms());
    if (rc < 0 || !is_rotation_due)
        return rc;
    rc = wa_self_get_u64(job->ks, "signed_prekey", 1, &id);
    u->id = wa_prekey_next_id((uint32_t)id, 1);
    if (rc >= 0)
        rc = wa_signed_prekey_generate(job->signal, u->id, bx_wall_ms(), key);
    u->rotate = WA_NODE(&job->out, "iq", wa_to("to", WA_SERVER_JID), wa_lit("type", "set"),
                        wa_lit("xmlns", "encrypt"));
    wa_node_add(wa_node_add(u->rotate, wa_node_new(&job->out, "rotate")),
                signed_node(&job->out, key));
    return rc;
}

/* The server has it. The one before stays for messages under way, the one before that goes. */
static int rotated_run(struct wa_job *job)
{
    const uint32_t *id = job->data;
    int rc = wa_self_put_u64(job->ks, "signed_prekey", *id);
    if (rc >= 0)
        rc = wa_self_put_u64(job->ks, "signed_prekey_ms", (uint64_t)bx_wall_ms());
    if (rc >= 0 && *id > 2)
        rc = wa_signed_prekey_delete(job->signal, *id - 2);
    return rc;
}

static const struct wa_job_type rotated_type = {.name = "signed_prekey", .run = rotated_run};

static void on_rotated(struct wa_client *c, struct wa_node *answer, struct bx_arena **arena, int rc,
                       void *arg)
{
    (void)answer, (void)arena;
    if (rc < 0)
        return; /* tried again at the next login */
    struct wa_job *job = wa_job_new(c, &rotated_type, NULL, NULL);
    uint32_t *id = BX_ARENA_NEW(job->in, uint32_t);
    *id = (uint32_t)(uintptr_t)arg;
    job->data = id;
    wa_job_submit(job);
}

/* SHA-1 over identity, signed prekey, its signature and each prekey that the server says it has. */
static int digest_run(struct wa_job *job)
{
    const struct wa_node *digest = wa_node_child(job->node, "digest");
    struct bx_str hash = wa_node_child_data(digest, "hash");
    const struct wa_node *list = wa_node_child(digest, "list");
    size_t room = wa_node_count(list, "id") + 3, n = 3;
    struct bx_str *parts = bx_arena_alloc(&job->out, room * sizeof *parts);
    struct wa_prekey *keys = bx_arena_alloc(&job->out, room * sizeof *keys);
    uint8_t ours[CR_SHA1_SIZE];
    bool is_same = true;
    uint64_t id;
    if (hash.len != CR_SHA1_SIZE)
        return BX_OK; /* it did not say */
    int rc = current_signed(job, &keys[0]);
    parts[0] = bx_str_n(job->creds->self.identity.pub, CR_CURVE_KEY_SIZE);
    parts[1] = bx_str_n(keys[0].pub, CR_CURVE_KEY_SIZE);
    parts[2] = bx_str_n(keys[0].signature, CR_SIGNATURE_SIZE);
    WA_EACH_CHILD(list, "id", node)
    {
        if (rc >= 0 && is_same && n < room && wa_node_data_be(node, 3, &id) == BX_OK) {
            rc = wa_prekey_get(job->signal, (uint32_t)id, &keys[n]);
            is_same = rc == BX_OK;
            rc = rc == BX_E_NOT_FOUND ? BX_OK : rc;
            parts[n] = bx_str_n(keys[n].pub, CR_CURVE_KEY_SIZE);
            n++;
        }
    }
    cr_sha1_v(parts, n, ours);
    if (rc >= 0 && (!is_same || !cr_equal(ours, hash.ptr, sizeof ours)))
        job->result = parts; /* not what we have: upload anew */
    return rc;
}

static void digest_finish(struct wa_job *job, int rc)
{
    if (rc >= 0 && job->result && job->connection == job->client->connection)
        upload(job->client, NULL);
}

static const struct wa_job_type digest_type = {
    .name = "prekey_digest", .run = digest_run, .finish = digest_finish};

static void on_digest(struct wa_client *c, struct wa_node *answer, struct bx_arena **arena, int rc,
                      void *arg)
{
    (void)arg;
    if (rc == BX_E_NOT_FOUND) {
        upload(c, NULL);
    } else if (rc == BX_OK) {
        struct wa_job *job = wa_job_new(c, &digest_type, *arena, answer);
        *arena = NULL;
        wa_job_submit(job);
    }
}

static void upkeep_finish(struct wa_job *job, int rc)
{
    struct wa_client *c = job->client;
    const struct upkeep *u = job->result;
    if (rc < 0 || job->connection != c->connection)
        return;
    if (u->rotate)
        wa_request_send(c, u->rotate, 0, on_rotated, (void *)(uintptr_t)u->id);
    if (u->is_digest_due) {
        struct wa_node *iq = WA_NODE(&job->out, "iq", wa_to("to", WA_SERVER_JID),
                                     wa_lit("type", "get"), wa_lit("xmlns", "encrypt"));
        wa_node_add(iq, wa_node_new(&job->out, "digest"));
        wa_request_send(c, iq, 0, on_digest, NULL);
    }
}

static const struct wa_job_type upkeep_type = {
    .name = "upkeep", .run = upkeep_run, .finish = upkeep_finish};

void wa_prekeys_upkeep(struct wa_client *c)
{
    wa_job_submit(wa_job_new(c, &upkeep_type, NULL, NULL));
}
