/* Lane: a message to a person, and to our own other devices. */
#include "wa/features/fan.h"

/* A number that was never written to may be written otherwise than its account (an optional digit):
 * the server says which account it is. */
static int check_account(struct wa_fan *f)
{
    struct wa_device_list list;
    if (!wa_jid_is_pn(&f->to) || f->op->has_asked_account || f->op->origin != WA_OP_USER)
        return BX_OK;
    int rc = wa_devices_get(f->job, &f->to, &list);
    if (rc != BX_E_NOT_FOUND)
        return rc;
    f->result->outcome = WA_SEND_NEEDS;
    f->result->needs_account = true;
    return BX_OK;
}

int wa_fan_send_direct(struct wa_fan *f)
{
    struct wa_job *job = f->job;
    struct wa_jid me = wa_me(job->creds), lid = wa_me_lid(job->creds);
    struct bx_str token;
    size_t reached = 0, own = 0;
    bool is_self = wa_is_me(job->creds, &f->to);
    if (wa_jid_is_lid(&f->to) && lid.user.len)
        me = lid;
    int rc = is_self ? BX_OK : check_account(f);
    if (rc < 0 || f->result->needs_account)
        return rc;
    rc = is_self ? BX_OK : wa_fan_add_person(f, f->to);
    if (rc >= 0)
        rc = wa_fan_add_person(f, me);
    if (rc >= 0 && f->result->outcome != WA_SEND_NEEDS)
        rc = wa_fan_check_sessions(f);
    if (rc < 0 || f->result->outcome == WA_SEND_NEEDS)
        return rc;
    struct wa_node *message = wa_fan_message(f);
    struct wa_node *participants = wa_node_add(message, wa_node_new(&job->out, "participants"));
    rc = wa_fan_encrypt_each(f, participants, f->plain, false, &reached);
    if (rc >= 0)
        rc = wa_fan_encrypt_each(f, participants, wa_fan_for_own_devices(f), true, &own);
    if (rc < 0)
        return rc;
    if (!is_self && reached == 0) {
        wa_fan_fail(f, BX_E_NOT_FOUND);
        return BX_OK;
    }
    wa_fan_add_identity(f, message);
    rc = is_self ? BX_E_NOT_FOUND : wa_token_get(job, &f->to, &token);
    if (rc == BX_OK)
        wa_node_bytes(wa_node_add(message, wa_node_new(&job->out, "tctoken")), token);
    if (rc < 0 && rc != BX_E_NOT_FOUND)
        return rc;
    f->result->node = message;
    return is_self ? BX_OK : wa_token_issue(job, &f->to);
}
