/* --data-dir: one file of JSON lines, written anew and renamed when something changed and at the
 * end. The first line is the network, then one line per group and per account with its devices and
 * their queues. Messages that phones sent or saw are kept for the page; what a phone would resend
 * after a retry receipt is not.
 *
 * A save of a thousand linked numbers takes a while, so the pause between two grows with the time
 * that the last one took.
 */
#include "sim/persist.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "sim/network/accounts.h"
#include "sim/network/appstate.h"
#include "sim/network/groups.h"
#include "sim/network/queue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VERSION = 1 };

/* --- bytes and text --- */

static json_t *bytes_json(const void *data, size_t len)
{
    char *text = bx_calloc(1, BX_BASE64_SIZE(len));
    bx_base64_encode(BX_BASE64_STD, data, len, text);
    json_t *json = json_string(text);
    free(text);
    return json;
}

static void put_bytes(json_t *object, const char *key, const void *data, size_t len)
{
    json_object_set_new(object, key, bytes_json(data, len));
}

/* Any length; the caller frees. NULL: not there, or no base64. */
static uint8_t *take_bytes(const json_t *json, size_t *out_len)
{
    struct bx_str text = bx_str_n(json_string_value(json), json_string_length(json));
    uint8_t *data = text.ptr ? bx_calloc(1, text.len + 4) : NULL;
    if (data && bx_base64_decode(text, data, out_len) == BX_OK)
        return data;
    free(data);
    return NULL;
}

static int get_bytes(const json_t *object, const char *key, void *out, size_t len)
{
    size_t found;
    uint8_t *data = take_bytes(json_object_get(object, key), &found);
    int rc = data && found == len ? BX_OK : BX_E_CORRUPT;
    if (rc == BX_OK)
        memcpy(out, data, len);
    free(data);
    return rc;
}

static void get_text(const json_t *object, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, key));
    snprintf(out, size, "%s", text ? text : "");
}

static int64_t get_int(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static bool get_bool(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* Replaces a tree of ours by the stored one. */
static void get_tree(const json_t *object, const char *key, json_t **tree)
{
    json_t *stored = json_object_get(object, key);
    if (!stored)
        return;
    json_decref(*tree);
    *tree = json_incref(stored);
}

/* --- stanzas --- */

static json_t *queue_json(const struct sim_device *d)
{
    json_t *list = json_array();
    BX_LIST_EACH(&d->queue, node)
    {
        struct bx_buf bytes;
        bx_buf_init(&bytes, 0);
        if (wa_encode(WA_DICT_3, BX_CONTAINER_OF(node, struct sim_item, node)->stanza, &bytes) ==
            BX_OK)
            json_array_append_new(list, bytes_json(bytes.data, bytes.len));
        bx_buf_done(&bytes);
    }
    return list;
}

static void load_queue(struct sim_device *d, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        size_t len;
        uint8_t *bytes = take_bytes(json_array_get(list, i), &len);
        struct bx_arena arena;
        struct wa_node *stanza;
        bx_arena_init(&arena, 0);
        if (bytes && wa_decode(WA_DICT_3, bx_str_n(bytes, len), &arena, &stanza) == BX_OK)
            sim_deliver(d, stanza);
        bx_arena_done(&arena);
        free(bytes);
    }
}

/* --- devices --- */

static json_t *sent_json(const struct sim_device *d)
{
    json_t *list = json_array();
    BX_LIST_EACH(&d->sent_order, node)
    {
        json_array_append_new(list, json_string(BX_CONTAINER_OF(node, struct sim_sent, node)->key));
    }
    return list;
}

static json_t *device_json(const struct sim_device *d)
{
    json_t *o = json_pack("{s:i,s:s,s:s,s:b}", "id", (int)d->id, "pushName", d->push_name,
                          "platform", d->platform, "isBootstrapped", d->is_bootstrapped);
    put_bytes(o, "noise", d->noise_pub, 32);
    put_bytes(o, "identity", d->identity, 32);
    put_bytes(o, "registration", d->registration, 4);
    put_bytes(o, "skeyId", d->skey_id, 3);
    put_bytes(o, "skey", d->skey_pub, 32);
    put_bytes(o, "skeySignature", d->skey_sig, 64);
    put_bytes(o, "adv", d->adv, d->adv_len);
    put_bytes(o, "prekeys", d->prekeys + d->prekey_first,
              (d->prekey_count - d->prekey_first) * sizeof d->prekeys[0]);
    json_object_set_new(o, "queue", queue_json(d));
    json_object_set_new(o, "sent", sent_json(d));
    return o;
}

static void load_sent(struct sim_device *d, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct bx_str key = bx_str(json_string_value(json_array_get(list, i)));
        size_t bar = bx_str_find(key, '|');
        sim_sent_before(d, bx_str_slice(key, 0, bar), bx_str_slice(key, bar + 1, key.len));
    }
}

static int load_device(struct sim_account *a, const json_t *o)
{
    struct sim_device *d = sim_device_new(a, (unsigned)get_int(o, "id"));
    size_t len = 0;
    get_text(o, "pushName", d->push_name, sizeof d->push_name);
    get_text(o, "platform", d->platform, sizeof d->platform);
    d->is_bootstrapped = get_bool(o, "isBootstrapped");
    int rc = get_bytes(o, "noise", d->noise_pub, 32);
    rc = rc ? rc : get_bytes(o, "identity", d->identity, 32);
    rc = rc ? rc : get_bytes(o, "registration", d->registration, 4);
    rc = rc ? rc : get_bytes(o, "skeyId", d->skey_id, 3);
    rc = rc ? rc : get_bytes(o, "skey", d->skey_pub, 32);
    rc = rc ? rc : get_bytes(o, "skeySignature", d->skey_sig, 64);
    d->adv = take_bytes(json_object_get(o, "adv"), &d->adv_len);
    d->prekeys = (struct sim_prekey *)(void *)take_bytes(json_object_get(o, "prekeys"), &len);
    d->prekey_count = d->prekey_cap = len / sizeof d->prekeys[0];
    load_queue(d, json_object_get(o, "queue"));
    load_sent(d, json_object_get(o, "sent"));
    return rc;
}

/* --- keys of device 0 --- */

static int add_entry(void *arg, struct bx_str key, struct bx_str value)
{
    json_object_set_new(arg, key.ptr, bytes_json(value.ptr, value.len));
    return BX_OK;
}

static json_t *keystore_json(struct sim_account *a)
{
    const struct wa_keystore *store = wa_keystore_memory(a->memory);
    json_t *kinds = json_array();
    for (int kind = 0; kind < WA_KEY_KINDS; kind++) {
        json_t *entries = json_object();
        store->ops->each(store->ctx, (enum wa_key_kind)kind, BX_STR(""), add_entry, entries);
        json_array_append_new(kinds, entries);
    }
    return kinds;
}

static void load_keystore(struct sim_account *a, const json_t *kinds)
{
    const struct wa_keystore *store = wa_keystore_memory(a->memory);
    for (size_t kind = 0; kind < json_array_size(kinds) && kind < WA_KEY_KINDS; kind++) {
        const char *key;
        json_t *value;
        json_object_foreach(json_array_get(kinds, kind), key, value)
        {
            size_t len;
            uint8_t *bytes = take_bytes(value, &len);
            if (bytes)
                store->ops->put(store->ctx, (enum wa_key_kind)kind, bx_str(key),
                                bx_str_n(bytes, len));
            free(bytes);
        }
    }
}

/* --- accounts --- */

static json_t *collections_json(const struct sim_account *a)
{
    json_t *all = json_array();
    for (size_t i = 0; i < SIM_COLLECTIONS; i++) {
        json_t *patches = json_array();
        for (size_t k = 0; k < a->collections[i].count; k++)
            json_array_append_new(patches, bytes_json(a->collections[i].patches[k].data,
                                                      a->collections[i].patches[k].len));
        json_array_append_new(all, patches);
    }
    return all;
}

static json_t *shared_json(const struct sim_account *a)
{
    json_t *list = json_array();
    size_t pos = 0;
    void *value;
    while (bx_map_next(&a->shared_keys, &pos, &value))
        json_array_append_new(list, json_string(value));
    return list;
}

static json_t *account_json(struct sim_account *a)
{
    json_t *o =
        json_pack("{s:s,s:s,s:s}", "phone", a->phone, "pushName", a->push_name, "about", a->about);
    json_t *devices = json_array();
    put_bytes(o, "key", a->key.priv, sizeof a->key.priv);
    put_bytes(o, "appKey", a->app_key, sizeof a->app_key);
    put_bytes(o, "skeySignature", a->skey.signature, sizeof a->skey.signature);
    put_bytes(o, "skey", a->skey.pub, sizeof a->skey.pub);
    json_object_set_new(o, "rawId", json_integer(a->raw_id));
    json_object_set_new(o, "registrationId", json_integer(a->registration_id));
    json_object_set_new(o, "nextPrekey", json_integer(a->next_prekey));
    json_object_set_new(o, "nextDevice", json_integer(a->next_device));
    json_object_set_new(o, "isScripted", json_boolean(a->is_scripted));
    json_object_set_new(o, "isEcho", json_boolean(a->is_echo));
    json_object_set_new(o, "isRestricted", json_boolean(a->is_restricted));
    json_object_set(o, "tokens", a->tokens);
    json_object_set_new(o, "isGreeted", json_boolean(a->is_greeted));
    json_object_set_new(o, "receipts", json_integer(a->receipts));
    json_object_set_new(o, "pictureId", json_string(a->picture_id));
    put_bytes(o, "picture", a->picture, a->picture_len);
    json_object_set_new(o, "collections", collections_json(a));
    json_object_set_new(o, "keystore", keystore_json(a));
    json_object_set_new(o, "sharedKeys", shared_json(a));
    json_object_set(o, "messages", a->messages);
    json_object_set(o, "receiptsSeen", a->receipts_seen);
    json_object_set(o, "privacy", a->privacy);
    json_object_set(o, "blocked", a->blocked);
    if (a->history)
        json_object_set(o, "history", a->history);
    BX_LIST_EACH(&a->devices, node)
    {
        const struct sim_device *d = BX_CONTAINER_OF(node, struct sim_device, node);
        if (d->adv) /* not in the middle of pairing */
            json_array_append_new(devices, device_json(d));
    }
    json_object_set_new(o, "devices", devices);
    return o;
}

static int load_keys(struct sim_account *a, const json_t *o)
{
    uint8_t private_key[32];
    int rc = get_bytes(o, "key", private_key, sizeof private_key);
    rc = rc ? rc : get_bytes(o, "appKey", a->app_key, sizeof a->app_key);
    rc = rc ? rc : get_bytes(o, "skey", a->skey.pub, sizeof a->skey.pub);
    rc = rc ? rc : get_bytes(o, "skeySignature", a->skey.signature, sizeof a->skey.signature);
    if (rc < 0)
        return rc;
    cr_keypair_from_private(private_key, &a->key);
    a->raw_id = (uint32_t)get_int(o, "rawId");
    a->registration_id = (uint32_t)get_int(o, "registrationId");
    a->next_prekey = (uint32_t)get_int(o, "nextPrekey");
    a->next_device = (unsigned)get_int(o, "nextDevice");
    load_keystore(a, json_object_get(o, "keystore"));
    const struct wa_signal_self self = {.identity = a->key, .registration_id = a->registration_id};
    wa_signal_free(a->signal);
    a->signal = wa_signal_new(wa_keystore_memory(a->memory), &self);
    return BX_OK;
}

static void load_collections(struct sim_account *a, const json_t *all)
{
    for (size_t i = 0; i < json_array_size(all) && i < SIM_COLLECTIONS; i++) {
        const json_t *patches = json_array_get(all, i);
        for (size_t k = 0; k < json_array_size(patches); k++) {
            size_t len;
            uint8_t *patch = take_bytes(json_array_get(patches, k), &len);
            if (patch && sim_app_state_restore(a, i, bx_str_n(patch, len)) < 0)
                bx_log(BX_LOG_WARN, "sim", "a stored app-state patch does not fit",
                       "collection=%zu", i);
            free(patch);
        }
    }
}

static int load_account(struct sim *sim, const json_t *o)
{
    struct sim_account *a =
        sim_account_get(sim, bx_str(json_string_value(json_object_get(o, "phone"))), BX_STR(""));
    int rc = a ? load_keys(a, o) : BX_E_CORRUPT;
    if (rc < 0)
        return rc;
    get_text(o, "pushName", a->push_name, sizeof a->push_name);
    get_text(o, "about", a->about, sizeof a->about);
    get_text(o, "pictureId", a->picture_id, sizeof a->picture_id);
    if (json_string_length(json_object_get(o, "picture")))
        a->picture = take_bytes(json_object_get(o, "picture"), &a->picture_len);
    a->is_scripted = get_bool(o, "isScripted");
    a->is_echo = get_bool(o, "isEcho");
    a->is_restricted = get_bool(o, "isRestricted");
    get_tree(o, "tokens", &a->tokens);
    a->is_greeted = get_bool(o, "isGreeted");
    a->receipts = (unsigned)get_int(o, "receipts");
    get_tree(o, "messages", &a->messages);
    get_tree(o, "receiptsSeen", &a->receipts_seen);
    get_tree(o, "privacy", &a->privacy);
    get_tree(o, "blocked", &a->blocked);
    get_tree(o, "history", &a->history);
    load_collections(a, json_object_get(o, "collections"));
    const json_t *shared = json_object_get(o, "sharedKeys"),
                 *devices = json_object_get(o, "devices");
    for (size_t i = 0; i < json_array_size(shared); i++) {
        const json_t *text = json_array_get(shared, i);
        char *key = bx_strndup(json_string_value(text), json_string_length(text));
        bx_map_put(&a->shared_keys, bx_str(key), key);
    }
    for (size_t i = 0; i < json_array_size(devices) && rc == BX_OK; i++)
        rc = load_device(a, json_array_get(devices, i));
    return rc;
}

/* --- groups --- */

static json_t *group_json(const struct sim_group *g)
{
    json_t *members = json_array(), *requests = json_array();
    for (size_t i = 0; i < g->request_count; i++)
        json_array_append_new(requests, json_pack("[s,I]", g->requests[i].account->phone,
                                                  (json_int_t)g->requests[i].asked_s));
    for (size_t i = 0; i < g->count; i++)
        json_array_append_new(
            members, json_pack("[s,i]", g->members[i].account->phone, (int)g->members[i].role));
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:i,s:b,s:b,s:b,s:b,s:o,s:o}", "jid", g->jid,
                     "subject", g->subject, "description", g->description, "descriptionId",
                     g->description_id, "owner", g->owner->phone, "invite", g->invite, "createdS",
                     (json_int_t)g->created_s, "expiration", (int)g->expiration, "isLid", g->is_lid,
                     "isAnnouncement", g->is_announcement, "isLocked", g->is_locked, "isApproving",
                     g->is_approving, "members", members, "requests", requests);
}

static void load_requests(struct sim *sim, struct sim_group *g, const json_t *list)
{
    g->requests = bx_calloc(json_array_size(list) + 1, sizeof g->requests[0]);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *r = json_array_get(list, i);
        struct sim_account *a =
            sim_account_find(sim, bx_str(json_string_value(json_array_get(r, 0))));
        if (a)
            g->requests[g->request_count++] =
                (struct sim_join_request){a, json_integer_value(json_array_get(r, 1))};
    }
}

static int load_group(struct sim *sim, const json_t *o)
{
    struct sim_account *owner =
        sim_account_find(sim, bx_str(json_string_value(json_object_get(o, "owner"))));
    const json_t *members = json_object_get(o, "members");
    if (!owner)
        return BX_E_CORRUPT;
    struct sim_group *g = sim_group_new(
        sim, owner, bx_str(json_string_value(json_object_get(o, "subject"))), get_bool(o, "isLid"));
    g->count = 0; /* the owner may have left meanwhile */
    get_text(o, "jid", g->jid, sizeof g->jid);
    get_text(o, "description", g->description, sizeof g->description);
    get_text(o, "descriptionId", g->description_id, sizeof g->description_id);
    get_text(o, "invite", g->invite, sizeof g->invite);
    g->created_s = get_int(o, "createdS");
    g->expiration = (uint32_t)get_int(o, "expiration");
    g->is_announcement = get_bool(o, "isAnnouncement");
    g->is_locked = get_bool(o, "isLocked");
    g->is_approving = get_bool(o, "isApproving");
    for (size_t i = 0; i < json_array_size(members); i++) {
        const json_t *m = json_array_get(members, i);
        struct sim_account *a =
            sim_account_find(sim, bx_str(json_string_value(json_array_get(m, 0))));
        if (a)
            sim_group_add(g, a, (int)json_integer_value(json_array_get(m, 1)));
    }
    load_requests(sim, g, json_object_get(o, "requests"));
    return BX_OK;
}

/* --- the network --- */

static json_t *network_json(const struct sim *sim)
{
    json_t *o =
        json_pack("{s:i,s:I,s:I,s:I,s:I}", "version", VERSION, "randomCount",
                  (json_int_t)sim->random_count, "nextId", (json_int_t)sim->next_id, "nextPhone",
                  (json_int_t)sim->next_phone, "nextGroup", (json_int_t)sim->next_group);
    json_t *phones = json_array();
    BX_LIST_EACH(&sim->account_list, node)
    {
        json_array_append_new(phones,
                              json_string(BX_CONTAINER_OF(node, struct sim_account, node)->phone));
    }
    json_object_set_new(o, "phones", phones);
    put_bytes(o, "root", sim->root.priv, 32);
    put_bytes(o, "intermediate", sim->intermediate.priv, 32);
    put_bytes(o, "static", sim->statik.priv, 32);
    return o;
}

static int load_pair(const json_t *o, const char *key, struct cr_keypair *out)
{
    uint8_t private_key[32];
    int rc = get_bytes(o, key, private_key, sizeof private_key);
    if (rc == BX_OK)
        cr_keypair_from_private(private_key, out);
    return rc;
}

static int load_network(struct sim *sim, const json_t *o)
{
    int rc = get_int(o, "version") == VERSION ? BX_OK : BX_E_VERSION;
    rc = rc ? rc : load_pair(o, "root", &sim->root);
    rc = rc ? rc : load_pair(o, "intermediate", &sim->intermediate);
    rc = rc ? rc : load_pair(o, "static", &sim->statik);
    /* all of them first: what one account knows may name another */
    const json_t *phones = json_object_get(o, "phones");
    for (size_t i = 0; i < json_array_size(phones) && rc == BX_OK; i++)
        sim_account_get(sim, bx_str(json_string_value(json_array_get(phones, i))), BX_STR(""));
    return rc;
}

/* Making accounts and groups counted on; go on where the other process ended. */
static void load_counters(struct sim *sim, const json_t *o)
{
    sim->random_count = (uint64_t)get_int(o, "randomCount");
    sim->next_id = (uint64_t)get_int(o, "nextId");
    sim->next_phone = (uint64_t)get_int(o, "nextPhone");
    sim->next_group = (uint64_t)get_int(o, "nextGroup");
}

/* --- the file --- */

static int load_line(struct sim *sim, const char *line, size_t len, json_t **network)
{
    json_t *o = json_loadb(line, len, 0, NULL);
    int rc = BX_E_CORRUPT;
    if (json_object_get(o, "account")) {
        rc = load_account(sim, json_object_get(o, "account"));
    } else if (json_object_get(o, "group")) {
        rc = load_group(sim, json_object_get(o, "group"));
    } else if (json_object_get(o, "network") && !*network) {
        *network = json_incref(json_object_get(o, "network"));
        rc = load_network(sim, *network);
    }
    json_decref(o);
    return rc;
}

static void file_name(const struct sim *sim, const char *suffix, char out[4096])
{
    snprintf(out, 4096, "%s/sim.jsonl%s", sim->data_dir, suffix);
}

int sim_load(struct sim *sim)
{
    char name[4096], *line = NULL;
    size_t cap = 0;
    ssize_t len;
    json_t *network = NULL;
    int rc = BX_OK;
    if (mkdir(sim->data_dir, 0700) != 0 && errno != EEXIST)
        return BX_E_READ_ONLY;
    file_name(sim, "", name);
    FILE *file = fopen(name, "re");
    if (!file)
        return errno == ENOENT ? BX_OK : BX_E_IO;
    while (rc == BX_OK && (len = getline(&line, &cap, file)) > 0)
        rc = load_line(sim, line, (size_t)len, &network);
    if (rc == BX_OK && network)
        load_counters(sim, network);
    json_decref(network);
    free(line);
    fclose(file);
    net_timer_stop(&sim->save_timer);
    return rc;
}

static bool write_line(FILE *file, const char *kind, json_t *value)
{
    json_t *o = json_pack("{s:o}", kind, value);
    int rc = json_dumpf(o, file, JSON_COMPACT);
    json_decref(o);
    return rc == 0 && fputc('\n', file) != EOF;
}

static bool write_all(struct sim *sim, FILE *file)
{
    bool is_ok = write_line(file, "network", network_json(sim));
    BX_LIST_EACH(&sim->account_list, node)
    {
        is_ok = is_ok && write_line(file, "account",
                                    account_json(BX_CONTAINER_OF(node, struct sim_account, node)));
    }
    BX_LIST_EACH(&sim->groups, node)
    {
        is_ok = is_ok && write_line(file, "group",
                                    group_json(BX_CONTAINER_OF(node, struct sim_group, node)));
    }
    return is_ok;
}

void sim_save(struct sim *sim)
{
    char name[4096], fresh[4096];
    uint64_t started = bx_mono_ms();
    net_timer_stop(&sim->save_timer);
    file_name(sim, "", name);
    file_name(sim, ".new", fresh);
    FILE *file = fopen(fresh, "we");
    bool is_ok = file && write_all(sim, file);
    if (file)
        is_ok = fclose(file) == 0 && is_ok;
    if (!is_ok || rename(fresh, name) != 0)
        bx_log(BX_LOG_WARN, "sim", "the accounts could not be saved", "file=%s errno=%d", name,
               errno);
    sim->save_took_ms = bx_mono_ms() - started;
}
