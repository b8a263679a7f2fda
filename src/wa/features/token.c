/* Privacy tokens (protocol map, section 11): what a person gave us is sent along with direct
 * messages to him; and whom we write to is given one of ours, once in each week. */
#include "wa/internal.h"

#include "base/clock.h"

enum { BUCKET_S = 7 * 24 * 3600, LIFE_BUCKETS = 4 };

/* Under the LID when it is known. */
static int token_key(struct wa_job *job, const struct wa_jid *user, struct bx_str *out)
{
    struct wa_jid jid = wa_jid_without_device(*user);
    struct bx_str lid;
    int rc = BX_E_NOT_FOUND;
    if (wa_jid_is_pn(user))
        rc = wa_signal_lid_of(job->signal, user->user, &job->out, &lid);
    if (rc == BX_OK)
        jid = wa_jid_make(WA_SERVER_LID, lid, 0);
    *out = wa_jid_text(&job->out, &jid);
    return rc == BX_E_NOT_FOUND ? BX_OK : rc;
}

static uint64_t bucket_now(void)
{
    return (uint64_t)bx_wall_ms() / 1000 / BUCKET_S;
}

int wa_token_put(struct wa_job *job, const struct wa_jid *user, struct bx_str token, uint64_t t_s)
{
    struct bx_str key;
    int rc = token_key(job, user, &key);
    if (rc < 0)
        return rc;
    struct bx_str head = bx_arena_printf(&job->out, "%llu\n", (unsigned long long)t_s);
    char *value = bx_arena_alloc(&job->out, head.len + token.len);
    memcpy(value, head.ptr, head.len);
    memcpy(value + head.len, token.ptr, token.len);
    return job->ks->ops->put(job->ks->ctx, WA_KEY_TOKEN, key,
                             bx_str_n(value, head.len + token.len));
}

int wa_token_get(struct wa_job *job, const struct wa_jid *user, struct bx_str *out)
{
    struct bx_str key, value, head;
    uint64_t t_s = 0;
    int rc = token_key(job, user, &key);
    if (rc >= 0)
        rc = job->ks->ops->get(job->ks->ctx, WA_KEY_TOKEN, key, &job->out, &value);
    if (rc < 0)
        return rc;
    if (!bx_str_split(&value, '\n', &head) || bx_str_u64(head, UINT64_MAX, &t_s) < 0 ||
        t_s / BUCKET_S + LIFE_BUCKETS < bucket_now())
        return BX_E_NOT_FOUND;
    *out = value;
    return BX_OK;
}

int wa_token_issue(struct wa_job *job, const struct wa_jid *user)
{
    struct bx_str key, value;
    uint64_t bucket = 0;
    int rc = token_key(job, user, &key);
    if (rc < 0)
        return rc;
    struct bx_str given = bx_arena_printf(&job->out, "given:" BX_STR_FMT, BX_STR_ARG(key));
    rc = job->ks->ops->get(job->ks->ctx, WA_KEY_TOKEN, given, &job->out, &value);
    if (rc == BX_OK && bx_str_u64(value, UINT64_MAX, &bucket) == BX_OK && bucket == bucket_now())
        return BX_OK;
    if (rc < 0 && rc != BX_E_NOT_FOUND)
        return rc;
    wa_job_want(job, WA_WANT_TOKEN)->text = key;
    return job->ks->ops->put(job->ks->ctx, WA_KEY_TOKEN, given,
                             bx_arena_printf(&job->out, "%llu", (unsigned long long)bucket_now()));
}

int wa_token_on_notification(struct wa_job *job, const struct wa_node *n)
{
    struct wa_jid from;
    int rc = wa_learn_attrs(job, n, "from", "sender_lid");
    if (rc < 0 || wa_node_attr_jid(n, "from", &from) < 0 || !wa_jid_is_user(&from))
        return rc;
    WA_EACH_CHILD(wa_node_child(n, "tokens"), "token", token)
    {
        struct bx_str bytes = wa_node_data(token);
        uint64_t t = wa_node_attr_u64_or(token, "t", (uint64_t)bx_wall_ms() / 1000);
        if (rc >= 0 && wa_node_attr_is(token, "type", "trusted_contact") && bytes.len)
            rc = wa_token_put(job, &from, bytes, t);
    }
    return rc;
}
