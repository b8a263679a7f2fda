/* Lane: what only our own phone may say: keys, history, mappings, its copy of a message. */
#include "wa/internal.h"

#include "wa/proto/pb.h"
#include "wa/proto/sync.pb-c.h"
#include "wa/wire/codec.h"

static int on_lid_migration(struct wa_job *job, const Wap__LidMigrationSync *sync)
{
    struct bx_buf plain;
    Wap__LidMigrationPayload *payload;
    bx_buf_init(&plain, WA_CODEC_MAX_INFLATED);
    int rc = wa_inflate(wa_pb_str(sync->payload), &plain);
    if (rc >= 0)
        rc = WA_PB_UNPACK(lid_migration_payload, bx_buf_view(&plain), &job->out, &payload);
    bx_buf_done(&plain);
    if (rc < 0)
        return BX_OK;
    for (size_t i = 0; i < payload->n_mappings && rc >= 0; i++) {
        const Wap__LidMigrationPayload__Mapping *m = payload->mappings[i];
        uint64_t lid = m->latest_lid ? m->latest_lid : m->assigned_lid;
        struct wa_jid a = wa_jid_make(
            WA_SERVER_PN, bx_arena_printf(&job->out, "%llu", (unsigned long long)m->pn), 0);
        struct wa_jid b = wa_jid_make(
            WA_SERVER_LID, bx_arena_printf(&job->out, "%llu", (unsigned long long)lid), 0);
        if (m->pn && lid)
            rc = wa_learn_pair(job, &a, &b);
    }
    return rc;
}

static int on_peer_response(struct wa_job *job, const Wap__PeerDataResponse *response)
{
    int rc = BX_OK;
    for (size_t i = 0; i < response->n_results && rc >= 0; i++) {
        Wap__WebMessageInfo *info;
        const Wap__PeerDataResponse__PlaceholderResend *r =
            response->results[i]->placeholder_resend;
        if (r && WA_PB_UNPACK(web_message_info, wa_pb_str(r->web_message_info), &job->out, &info) ==
                     BX_OK)
            rc = wa_web_message(job, info, WA_ORIGIN_RESEND, (struct bx_str){0});
    }
    return rc;
}

static void receipt_history(struct wa_job *job, const struct wa_source *src)
{
    struct wa_jid me = wa_me(job->creds);
    me.device = 0;
    wa_job_send(job, WA_NODE(&job->out, "receipt", wa_str("id", src->id), wa_jid("to", &me),
                             wa_lit("type", "hist_sync")));
}

/* What only our own phone may say. */
int wa_own_phone_said(struct wa_job *job, const struct wa_source *src, const Wap__Protocol *p)
{
    if (p->history_sync_notification) {
        receipt_history(job, src);
        return wa_history_notified(job, p->history_sync_notification);
    }
    if (p->app_state_sync_key_share)
        return wa_app_keys_store(job, p->app_state_sync_key_share);
    if (p->peer_data_response)
        return on_peer_response(job, p->peer_data_response);
    if (p->lid_migration_sync)
        return on_lid_migration(job, p->lid_migration_sync);
    return BX_OK;
}
