/* Reading an admin call and answering it. */
#include "base/err.h"
#include "sim/admin/admin.h"
#include "sim/network/accounts.h"
#include "sim/network/groups.h"

#include <stdlib.h>

static void respond(struct sim_call *c, int status, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    http_respond(c->x, status, "application/json", bx_str(text));
    free(text);
    json_decref(json);
}

void sim_call_ok(struct sim_call *c, json_t *fields)
{
    json_t *all = json_pack("{s:b}", "ok", 1);
    if (fields) {
        json_object_update(all, fields);
        json_decref(fields);
    }
    respond(c, 200, all);
}

void sim_call_fail(struct sim_call *c, int status, const char *sentence)
{
    respond(c, status, json_pack("{s:b,s:s}", "ok", 0, "error", sentence));
}

const char *sim_call_text(const struct sim_call *c, const char *key)
{
    return json_string_value(json_object_get(c->body, key));
}

struct bx_str sim_call_str(const struct sim_call *c, const char *key)
{
    const char *s = sim_call_text(c, key);
    return s ? bx_str(s) : bx_str_n(NULL, 0);
}

int64_t sim_call_int(const struct sim_call *c, const char *key)
{
    return json_integer_value(json_object_get(c->body, key));
}

static bool is_word_of(struct bx_str words, struct bx_str word)
{
    struct bx_str one;
    while (bx_str_split(&words, ' ', &one)) {
        if (bx_str_eq(one, word))
            return true;
    }
    return false;
}

bool sim_call_choice(struct sim_call *c, const char *key, const char *words)
{
    if (!json_object_get(c->body, key) || is_word_of(bx_str(words), sim_call_str(c, key)))
        return true;
    sim_call_fail(c, 400, bx_arena_printf(c->arena, "\"%s\" is one of: %s", key, words).ptr);
    return false;
}

/* Unknown fields are refused, so that a misspelt one is not silently nothing. */
bool sim_call_only(struct sim_call *c, const char *allowed)
{
    const char *key;
    json_t *value;
    json_object_foreach(c->body, key, value)
    {
        if (!is_word_of(bx_str(allowed), bx_str(key))) {
            sim_call_fail(c, 400,
                          bx_arena_printf(c->arena, "the field \"%s\" is not known here", key).ptr);
            return false;
        }
    }
    return true;
}

/* Digits or JID of a person; made on demand. */
struct sim_account *sim_call_person(struct sim_call *c, const char *who)
{
    struct sim_account *a = who ? sim_account_by_jid(c->sim, bx_str(who)) : NULL;
    struct bx_str digits =
        bx_str_slice(bx_str(who ? who : ""), 0, bx_str_find(bx_str(who ? who : ""), '@'));
    uint64_t number;
    if (!a && bx_str_u64(digits, UINT64_MAX - 1, &number) == BX_OK && digits.len >= 5 &&
        digits.len < SIM_USER_MAX)
        a = sim_account_get(c->sim, digits, BX_STR(""));
    return a;
}

bool sim_call_chat(struct sim_call *c, const char *key, struct sim_call_chat *out)
{
    const char *who = sim_call_text(c, key);
    bool is_group = who && strstr(who, "@g.us");
    out->group = is_group ? sim_group_find(c->sim, bx_str(who)) : NULL;
    out->person = is_group ? NULL : sim_call_person(c, who);
    if (!out->group && !out->person)
        sim_call_fail(c, is_group ? 404 : 400, "there is no such chat");
    return out->group || out->person;
}

struct bx_str sim_call_query(struct sim_call *c, const char *name)
{
    struct bx_str raw, value;
    if (!http_query_get(c->r->query, bx_str(name), &raw) ||
        http_url_decode(c->arena, raw, true, &value) < 0)
        return BX_STR("");
    return value;
}
