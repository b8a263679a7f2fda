/* Accounts, devices and groups in one JSON file, written a moment after they change and read at the
 * start. Queues and the phones' Signal sessions are not kept: after a restart phones make new
 * sessions, which companions accept.
 */
#include "base/base64.h"
#include "base/err.h"
#include "base/mem.h"
#include "sim/internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { SAVE_DELAY_MS = 500 };

void sim_save_later(struct sim *sim)
{
    if (sim->data_dir && !net_timer_is_active(&sim->save_timer))
        net_timer_start(sim->loop, &sim->save_timer, SAVE_DELAY_MS);
}

static json_t *bytes_json(const void *bytes, size_t len)
{
    char *text = bx_realloc(NULL, BX_BASE64_SIZE(len), 1);
    bx_base64_encode(BX_BASE64_STD, bytes, len, text);
    json_t *json = json_string(text);
    free(text);
    return json;
}

/* Exactly len bytes, or false. */
static bool bytes_from(const json_t *json, void *out, size_t len)
{
    const char *text = json_string_value(json);
    size_t n = 0;
    uint8_t *raw = text ? bx_realloc(NULL, strlen(text) + 4, 1) : NULL;
    bool is_ok = raw && bx_base64_decode(bx_str(text), raw, &n) == BX_OK && n == len;
    if (is_ok)
        memcpy(out, raw, len);
    free(raw);
    return is_ok;
}

static json_t *device_json(const struct sim_device *d)
{
    size_t left = d->prekey_count - d->prekey_first;
    return json_pack("{s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:i,s:o,s:i,s:s,s:s,s:b}", "id", (int)d->id,
                     "noise", bytes_json(d->noise_pub, 32), "identity", bytes_json(d->identity, 32),
                     "registration", bytes_json(d->registration, 4), "skeyId",
                     bytes_json(d->skey_id, 3), "skey", bytes_json(d->skey_pub, 32), "skeySig",
                     bytes_json(d->skey_sig, 64), "adv", bytes_json(d->adv, d->adv_len), "advLen",
                     (int)d->adv_len, "prekeys",
                     bytes_json(d->prekeys + d->prekey_first, left * sizeof d->prekeys[0]),
                     "prekeyCount", (int)left, "pushName", d->push_name, "platform", d->platform,
                     "bootstrapped", d->is_bootstrapped);
}

static json_t *account_json(const struct sim_account *a)
{
    json_t *devices = json_array();
    BX_LIST_EACH(&a->devices, node)
    {
        const struct sim_device *d = BX_CONTAINER_OF(node, struct sim_device, node);
        if (d->adv_len)
            json_array_append_new(devices, device_json(d));
    }
    return json_pack("{s:s,s:s,s:o,s:I,s:i,s:o,s:i,s:b,s:b,s:i,s:o}", "phone", a->phone, "pushName",
                     a->push_name, "key", bytes_json(a->key.priv, 32), "rawId",
                     (json_int_t)a->raw_id, "registrationId", (int)a->registration_id, "appKey",
                     bytes_json(a->app_key, 32), "nextDevice", (int)a->next_device, "scripted",
                     a->is_scripted, "echo", a->is_echo, "receipts", (int)a->receipts, "devices",
                     devices);
}

static json_t *group_json(const struct sim_group *g)
{
    json_t *members = json_array();
    for (size_t i = 0; i < g->count; i++)
        json_array_append_new(members, json_pack("{s:s,s:i}", "phone", g->members[i].account->phone,
                                                 "role", (int)g->members[i].role));
    return json_pack("{s:s,s:s,s:s,s:b,s:o}", "jid", g->jid, "subject", g->subject, "owner",
                     g->owner->phone, "lid", g->is_lid, "members", members);
}

static void path_of(const struct sim *sim, char out[512], const char *suffix)
{
    snprintf(out, 512, "%s/network.json%s", sim->data_dir, suffix);
}

void sim_save(struct sim *sim)
{
    char path[512], fresh[512];
    json_t *accounts = json_array(), *groups = json_array();
    BX_LIST_EACH(&sim->account_list, node)
    {
        json_array_append_new(accounts,
                              account_json(BX_CONTAINER_OF(node, struct sim_account, node)));
    }
    BX_LIST_EACH(&sim->groups, node)
    {
        json_array_append_new(groups, group_json(BX_CONTAINER_OF(node, struct sim_group, node)));
    }
    json_t *all = json_pack("{s:i,s:I,s:I,s:o,s:o}", "version", 1, "nextPhone",
                            (json_int_t)sim->next_phone, "randomCount",
                            (json_int_t)sim->random_count, "accounts", accounts, "groups", groups);
    path_of(sim, path, "");
    path_of(sim, fresh, ".new");
    if (json_dump_file(all, fresh, JSON_COMPACT) == 0)
        rename(fresh, path);
    json_decref(all);
}

/* --- loading --- */

static void load_device(struct sim_account *a, const json_t *json)
{
    struct sim_device *d =
        sim_device_new(a, (unsigned)json_integer_value(json_object_get(json, "id")));
    const char *name = json_string_value(json_object_get(json, "pushName")),
               *platform = json_string_value(json_object_get(json, "platform"));
    bytes_from(json_object_get(json, "noise"), d->noise_pub, 32);
    bytes_from(json_object_get(json, "identity"), d->identity, 32);
    bytes_from(json_object_get(json, "registration"), d->registration, 4);
    bytes_from(json_object_get(json, "skeyId"), d->skey_id, 3);
    bytes_from(json_object_get(json, "skey"), d->skey_pub, 32);
    bytes_from(json_object_get(json, "skeySig"), d->skey_sig, 64);
    d->adv_len = (size_t)json_integer_value(json_object_get(json, "advLen"));
    d->adv = bx_realloc(NULL, d->adv_len + 1, 1);
    bytes_from(json_object_get(json, "adv"), d->adv, d->adv_len);
    d->prekey_count = d->prekey_cap =
        (size_t)json_integer_value(json_object_get(json, "prekeyCount"));
    d->prekeys = bx_calloc(d->prekey_cap + 1, sizeof d->prekeys[0]);
    bytes_from(json_object_get(json, "prekeys"), d->prekeys,
               d->prekey_count * sizeof d->prekeys[0]);
    snprintf(d->push_name, sizeof d->push_name, "%s", name ? name : "");
    snprintf(d->platform, sizeof d->platform, "%s", platform ? platform : "");
    d->is_bootstrapped = json_is_true(json_object_get(json, "bootstrapped"));
}

static void load_account(struct sim *sim, const json_t *json)
{
    const char *phone = json_string_value(json_object_get(json, "phone")),
               *name = json_string_value(json_object_get(json, "pushName"));
    uint8_t key[32];
    size_t i;
    json_t *device;
    struct sim_account *a = phone ? sim_account_get(sim, bx_str(phone), BX_STR("")) : NULL;
    if (!a || !bytes_from(json_object_get(json, "key"), key, 32))
        return;
    sim_phone_done(a); /* it was made with another key */
    bx_map_done(&a->sent_messages);
    bx_map_done(&a->shared_keys);
    cr_keypair_from_private(key, &a->key);
    a->raw_id = (uint32_t)json_integer_value(json_object_get(json, "rawId"));
    a->registration_id = (uint32_t)json_integer_value(json_object_get(json, "registrationId"));
    sim_phone_init(a);
    bytes_from(json_object_get(json, "appKey"), a->app_key, 32);
    a->next_device = (unsigned)json_integer_value(json_object_get(json, "nextDevice"));
    a->is_scripted = json_is_true(json_object_get(json, "scripted"));
    a->is_echo = json_is_true(json_object_get(json, "echo"));
    a->receipts = (unsigned)json_integer_value(json_object_get(json, "receipts"));
    snprintf(a->push_name, sizeof a->push_name, "%s", name ? name : "");
    sim_app_state_push_name(a);
    json_array_foreach(json_object_get(json, "devices"), i, device)
    {
        load_device(a, device);
    }
}

static void load_group(struct sim *sim, const json_t *json)
{
    const char *jid = json_string_value(json_object_get(json, "jid")),
               *subject = json_string_value(json_object_get(json, "subject"));
    struct sim_account *owner =
        sim_account_find(sim, bx_str(json_string_value(json_object_get(json, "owner"))));
    size_t i;
    json_t *m;
    if (!owner || !jid || !subject)
        return;
    struct sim_group *g =
        sim_group_new(sim, owner, bx_str(subject), json_is_true(json_object_get(json, "lid")));
    snprintf(g->jid, sizeof g->jid, "%s", jid);
    json_array_foreach(json_object_get(json, "members"), i, m)
    {
        struct sim_account *a =
            sim_account_find(sim, bx_str(json_string_value(json_object_get(m, "phone"))));
        if (a)
            sim_group_add(g, a, (int)json_integer_value(json_object_get(m, "role")));
    }
}

int sim_load(struct sim *sim)
{
    char path[512];
    json_error_t error;
    size_t i;
    json_t *row;
    path_of(sim, path, "");
    json_t *all = json_load_file(path, 0, &error);
    if (!all)
        return json_error_code(&error) == json_error_cannot_open_file ? BX_OK : BX_E_CORRUPT;
    sim->next_phone = (uint64_t)json_integer_value(json_object_get(all, "nextPhone"));
    sim->random_count = (uint64_t)json_integer_value(json_object_get(all, "randomCount"));
    json_array_foreach(json_object_get(all, "accounts"), i, row)
    {
        load_account(sim, row);
    }
    json_array_foreach(json_object_get(all, "groups"), i, row)
    {
        load_group(sim, row);
    }
    json_decref(all);
    net_timer_stop(&sim->save_timer);
    return BX_OK;
}
