#include "app/access/access.h"
#include "app/access/access_internal.h"

#include "base/mem.h"
#include "net/loop.h"

#include <stdlib.h>

struct access_user *access_user_find(struct wb_access *a, int64_t id)
{
    return bx_map_get(&a->users, bx_str_n(&id, sizeof id));
}

void access_user_free(struct access_user *u)
{
    free(u->texts);
    free(u->numbers);
    free(u);
}

struct wb_access *wb_access_new(struct net_loop *loop)
{
    struct wb_access *a = BX_NEW(struct wb_access);
    pthread_rwlock_init(&a->lock, NULL);
    bx_map_init(&a->users);
    bx_map_init(&a->tokens);
    bx_map_init(&a->keys);
    a->loop = loop;
    return a;
}

void access_forget_users(struct wb_access *a)
{
    void *value;
    for (size_t pos = 0; bx_map_next(&a->users, &pos, &value);)
        access_user_free(value);
    bx_map_done(&a->users);
    bx_map_init(&a->users);
}

void wb_access_free(struct wb_access *a)
{
    void *value;
    if (!a)
        return;
    access_forget_users(a);
    for (size_t pos = 0; bx_map_next(&a->tokens, &pos, &value);)
        free(value);
    for (size_t pos = 0; bx_map_next(&a->keys, &pos, &value);) {
        free(((struct access_key *)value)->numbers);
        free(value);
    }
    bx_map_done(&a->users);
    bx_map_done(&a->tokens);
    bx_map_done(&a->keys);
    pthread_rwlock_destroy(&a->lock);
    free(a);
}

void wb_access_observe(struct wb_access *a, struct wb_access_observer *o)
{
    o->next = a->observers;
    a->observers = o;
}

struct told {
    struct wb_access *access;
    struct wb_access_event event;
};

static void on_told(void *arg)
{
    struct told *t = arg;
    for (struct wb_access_observer *o = t->access->observers; o; o = o->next)
        o->on_change(&t->event, o->arg);
    free(t);
}

void access_tell(struct wb_access *a, struct wb_access_event event)
{
    struct told *t = BX_NEW(struct told);
    *t = (struct told){a, event};
    net_inbox_post(a->loop, on_told, t);
}

/* --- questions --- */

static int principal_of(struct wb_access *a, int64_t user_id, struct wb_principal *out)
{
    const struct access_user *u = access_user_find(a, user_id);
    if (!u || !u->row.is_active)
        return BX_E_CLOSED;
    *out = (struct wb_principal){.user_id = user_id,
                                 .role = u->row.role,
                                 .scopes = ST_SCOPE_READ | ST_SCOPE_SEND | ST_SCOPE_MANAGE};
    struct bx_str name = bx_str_slice(u->row.name, 0, sizeof out->name - 1);
    memcpy(out->name, name.ptr, name.len);
    return BX_OK;
}

int wb_access_by_token(struct wb_access *a, struct bx_str jti, struct wb_principal *out)
{
    pthread_rwlock_rdlock(&a->lock);
    const struct access_token *t = bx_map_get(&a->tokens, jti);
    int rc = !t ? BX_E_AGAIN : t->is_revoked ? BX_E_CLOSED : principal_of(a, t->user_id, out);
    if (rc == BX_OK) {
        memcpy(out->jti, t->jti, sizeof out->jti);
        out->expires_at = t->expires_at;
    }
    pthread_rwlock_unlock(&a->lock);
    return rc;
}

int wb_access_by_key(struct wb_access *a, const uint8_t hash[32], int64_t now_ms,
                     struct wb_principal *out)
{
    pthread_rwlock_rdlock(&a->lock);
    const struct access_key *k = bx_map_get(&a->keys, bx_str_n(hash, 32));
    int rc = !k                                         ? BX_E_AGAIN
             : k->is_revoked                            ? BX_E_CLOSED
             : k->expires_at && k->expires_at <= now_ms ? BX_E_EXPIRED
                                                        : principal_of(a, k->created_by, out);
    if (rc == BX_OK) {
        out->api_key_id = k->id;
        out->scopes = k->scopes;
        out->expires_at = k->expires_at;
    }
    pthread_rwlock_unlock(&a->lock);
    return rc;
}

static bool is_among(const int64_t *numbers, size_t count, int64_t id)
{
    size_t lo = 0, hi = count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (numbers[mid] < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < count && numbers[lo] == id;
}

static const struct access_key *key_by_id(struct wb_access *a, int64_t id)
{
    void *value;
    for (size_t pos = 0; bx_map_next(&a->keys, &pos, &value);) {
        if (((struct access_key *)value)->id == id)
            return value;
    }
    return NULL;
}

bool wb_access_may(struct wb_access *a, const struct wb_principal *p, int64_t number_id)
{
    pthread_rwlock_rdlock(&a->lock);
    const struct access_user *u = access_user_find(a, p->user_id);
    bool may = u && u->row.is_active &&
               (u->row.role == ST_ROLE_ADMIN || is_among(u->numbers, u->number_count, number_id));
    if (may && p->api_key_id) {
        const struct access_key *k = key_by_id(a, p->api_key_id);
        may = k && !k->is_revoked &&
              (!k->number_count || is_among(k->numbers, k->number_count, number_id));
    }
    pthread_rwlock_unlock(&a->lock);
    return may;
}

size_t wb_access_numbers(struct wb_access *a, int64_t user_id, struct bx_arena *arena,
                         int64_t **out)
{
    pthread_rwlock_rdlock(&a->lock);
    const struct access_user *u = access_user_find(a, user_id);
    size_t count = u ? u->number_count : 0;
    *out = bx_arena_alloc(arena, (count + 1) * sizeof **out);
    if (count)
        memcpy(*out, u->numbers, count * sizeof **out);
    pthread_rwlock_unlock(&a->lock);
    return count;
}

int wb_access_user(struct wb_access *a, int64_t user_id, struct bx_arena *arena,
                   struct st_user *out)
{
    pthread_rwlock_rdlock(&a->lock);
    const struct access_user *u = access_user_find(a, user_id);
    if (u) {
        *out = u->row;
        out->name = bx_arena_str(arena, u->row.name);
        out->username = bx_arena_str(arena, u->row.username);
        out->email = bx_arena_str(arena, u->row.email);
    }
    pthread_rwlock_unlock(&a->lock);
    return u ? BX_OK : BX_E_NOT_FOUND;
}

int wb_access_role(struct wb_access *a, int64_t user_id, enum st_role *out)
{
    pthread_rwlock_rdlock(&a->lock);
    const struct access_user *u = access_user_find(a, user_id);
    bool is_there = u && u->row.is_active;
    if (is_there)
        *out = u->row.role;
    pthread_rwlock_unlock(&a->lock);
    return is_there ? BX_OK : BX_E_NOT_FOUND;
}
