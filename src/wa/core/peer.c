/* People: which of the two identities a stanza used, and the other one. */
#include "wa/internal.h"

struct wa_jid wa_me(const struct wa_creds *creds)
{
    struct wa_jid me = {0};
    if (wa_jid_parse(bx_str(creds->jid), &me) < 0)
        return (struct wa_jid){0};
    return me;
}

struct wa_jid wa_me_lid(const struct wa_creds *creds)
{
    struct wa_jid me = {0};
    if (!creds->lid[0] || wa_jid_parse(bx_str(creds->lid), &me) < 0)
        return (struct wa_jid){0};
    return me;
}

bool wa_is_me(const struct wa_creds *creds, const struct wa_jid *jid)
{
    struct wa_jid me = wa_me(creds), lid = wa_me_lid(creds);
    if (wa_jid_is_pn(jid))
        return bx_str_eq(jid->user, me.user);
    return wa_jid_is_lid(jid) && lid.user.len && bx_str_eq(jid->user, lid.user);
}

int wa_peer_of(struct wa_job *job, const struct wa_jid *jid, struct wa_peer *out)
{
    struct wa_jid bare = wa_jid_without_device(*jid);
    struct bx_str other = {0};
    int rc = BX_E_NOT_FOUND;
    *out = (struct wa_peer){.jid = wa_jid_text(&job->out, &bare),
                            .is_group = wa_jid_is_group(jid),
                            .is_me = job->creds && wa_is_me(job->creds, jid)};
    if (wa_jid_is_pn(jid)) {
        out->pn = bx_arena_str(&job->out, jid->user);
        rc = wa_signal_lid_of(job->signal, jid->user, &job->out, &other);
        out->lid = other;
    } else if (wa_jid_is_lid(jid)) {
        out->lid = bx_arena_str(&job->out, jid->user);
        rc = wa_signal_pn_of(job->signal, jid->user, &job->out, &other);
        out->pn = other;
    }
    return rc == BX_E_NOT_FOUND ? BX_OK : rc;
}

int wa_peer_of_text(struct wa_job *job, struct bx_str text, struct wa_peer *out)
{
    struct wa_jid jid;
    if (!text.ptr || wa_jid_parse(text, &jid) < 0) {
        *out = (struct wa_peer){0};
        return BX_OK;
    }
    return wa_peer_of(job, &jid, out);
}

int wa_learn_pair(struct wa_job *job, const struct wa_jid *a, const struct wa_jid *b)
{
    bool is_new = false;
    const struct wa_jid *pn = wa_jid_is_pn(a) ? a : b, *lid = pn == a ? b : a;
    if (!wa_jid_is_pn(pn) || !wa_jid_is_lid(lid) || !pn->user.len || !lid->user.len)
        return BX_OK;
    int rc = wa_signal_learn_lid(job->signal, pn->user, lid->user, &is_new);
    if (rc < 0 || !is_new)
        return rc;
    return wa_peer_of(job, lid, &wa_job_event(job, WA_EVENT_LID)->contact.person);
}

int wa_learn_attrs(struct wa_job *job, const struct wa_node *node, const char *a, const char *b)
{
    struct wa_jid x, y;
    if (wa_node_attr_jid(node, a, &x) < 0 || wa_node_attr_jid(node, b, &y) < 0)
        return BX_OK;
    return wa_learn_pair(job, &x, &y);
}
