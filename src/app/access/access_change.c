/* How the access cache learns and changes. */
#include "app/access/access.h"
#include "app/access/access_internal.h"

#include "base/mem.h"

#include <stdlib.h>

/* --- users --- */

static char *text_keep(char *at, struct bx_str from, struct bx_str *to)
{
    if (from.len)
        memcpy(at, from.ptr, from.len);
    *to = bx_str_n(at, from.len);
    return at + from.len;
}

static void user_fill(struct access_user *u, const struct st_user *row)
{
    char *texts = bx_calloc(1, row->name.len + row->username.len + row->email.len + 1), *at = texts;
    free(u->texts);
    u->texts = texts;
    u->id = row->id;
    u->row = *row;
    u->row.password_hash = (struct bx_str){0};
    at = text_keep(at, row->name, &u->row.name);
    at = text_keep(at, row->username, &u->row.username);
    text_keep(at, row->email, &u->row.email);
}

static void user_put(struct wb_access *a, const struct st_user *row)
{
    struct access_user *u = access_user_find(a, row->id);
    if (!u) {
        u = BX_NEW(struct access_user);
        u->id = row->id;
        bx_map_put(&a->users, bx_str_n(&u->id, sizeof u->id), u);
    }
    user_fill(u, row);
}

void wb_access_user_put(struct wb_access *a, const struct st_user *user)
{
    pthread_rwlock_wrlock(&a->lock);
    user_put(a, user);
    pthread_rwlock_unlock(&a->lock);
    access_tell(a, (struct wb_access_event){.change = WB_CHANGE_ROLE, .user_id = user->id});
}

void wb_access_user_gone(struct wb_access *a, int64_t user_id)
{
    pthread_rwlock_wrlock(&a->lock);
    struct access_user *u = bx_map_del(&a->users, bx_str_n(&user_id, sizeof user_id));
    if (u)
        access_user_free(u);
    pthread_rwlock_unlock(&a->lock);
    access_tell(a, (struct wb_access_event){.change = WB_CHANGE_ROLE, .user_id = user_id});
}

/* --- permissions --- */

static size_t place_of(const struct access_user *u, int64_t number_id)
{
    size_t i = 0;
    while (i < u->number_count && u->numbers[i] < number_id)
        i++;
    return i;
}

static bool number_add(struct access_user *u, int64_t number_id)
{
    size_t i = place_of(u, number_id);
    if (i < u->number_count && u->numbers[i] == number_id)
        return false;
    if (u->number_count == u->number_cap) {
        u->number_cap = u->number_cap ? 2 * u->number_cap : 8;
        u->numbers = bx_realloc(u->numbers, u->number_cap, sizeof *u->numbers);
    }
    memmove(u->numbers + i + 1, u->numbers + i, (u->number_count - i) * sizeof *u->numbers);
    u->numbers[i] = number_id;
    u->number_count++;
    return true;
}

static bool number_drop(struct access_user *u, int64_t number_id)
{
    size_t i = place_of(u, number_id);
    if (i == u->number_count || u->numbers[i] != number_id)
        return false;
    u->number_count--;
    memmove(u->numbers + i, u->numbers + i + 1, (u->number_count - i) * sizeof *u->numbers);
    return true;
}

void wb_access_grant(struct wb_access *a, int64_t user_id, int64_t number_id)
{
    pthread_rwlock_wrlock(&a->lock);
    struct access_user *u = access_user_find(a, user_id);
    bool is_changed = u && number_add(u, number_id);
    pthread_rwlock_unlock(&a->lock);
    if (is_changed)
        access_tell(a, (struct wb_access_event){
                           .change = WB_CHANGE_GRANT, .user_id = user_id, .number_id = number_id});
}

void wb_access_revoke(struct wb_access *a, int64_t user_id, int64_t number_id)
{
    pthread_rwlock_wrlock(&a->lock);
    struct access_user *u = access_user_find(a, user_id);
    bool is_changed = u && number_drop(u, number_id);
    pthread_rwlock_unlock(&a->lock);
    if (is_changed)
        access_tell(a, (struct wb_access_event){
                           .change = WB_CHANGE_REVOKE, .user_id = user_id, .number_id = number_id});
}

void wb_access_number_gone(struct wb_access *a, int64_t number_id)
{
    void *value;
    pthread_rwlock_wrlock(&a->lock);
    for (size_t pos = 0; bx_map_next(&a->users, &pos, &value);) {
        struct access_user *u = value;
        if (number_drop(u, number_id))
            access_tell(a, (struct wb_access_event){.change = WB_CHANGE_REVOKE,
                                                    .user_id = u->id,
                                                    .number_id = number_id});
    }
    pthread_rwlock_unlock(&a->lock);
}

/* --- logins --- */

static void token_put(struct wb_access *a, struct bx_str jti, int64_t user_id, int64_t expires_at,
                      bool is_revoked)
{
    struct access_token *t = bx_map_get(&a->tokens, jti);
    if (t) { /* once revoked, always revoked: a lane may have read the row before the logout */
        t->is_revoked = t->is_revoked || is_revoked;
        return;
    }
    t = BX_NEW(struct access_token);
    if (bx_str_copy(jti, t->jti, sizeof t->jti) < 0) {
        free(t);
        return;
    }
    t->user_id = user_id;
    t->expires_at = expires_at;
    t->is_revoked = is_revoked;
    bx_map_put(&a->tokens, bx_str_n(t->jti, jti.len), t);
}

void wb_access_token_add(struct wb_access *a, struct bx_str jti, int64_t user_id,
                         int64_t expires_at)
{
    pthread_rwlock_wrlock(&a->lock);
    token_put(a, jti, user_id, expires_at, false);
    pthread_rwlock_unlock(&a->lock);
}

int wb_access_learn_token(struct wb_access *a, struct st_conn *conn, struct bx_str jti)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    struct st_token row;
    int rc = st_token_get(conn, jti, &arena, &row);
    if (rc == BX_OK) {
        pthread_rwlock_wrlock(&a->lock);
        token_put(a, jti, row.user_id, row.expires_at, row.revoked_at != 0);
        pthread_rwlock_unlock(&a->lock);
    }
    bx_arena_done(&arena);
    return rc;
}

void wb_access_logout(struct wb_access *a, int64_t user_id, struct bx_str jti)
{
    struct wb_access_event event = {.change = WB_CHANGE_LOGOUT, .user_id = user_id};
    if (bx_str_copy(jti, event.jti, sizeof event.jti) < 0)
        return;
    pthread_rwlock_wrlock(&a->lock);
    token_put(a, jti, user_id, INT64_MAX, true);
    pthread_rwlock_unlock(&a->lock);
    access_tell(a, event);
}

void wb_access_logout_all(struct wb_access *a, int64_t user_id, struct bx_str except)
{
    struct wb_access_event event = {.change = WB_CHANGE_LOGOUT, .user_id = user_id};
    if (except.len && bx_str_copy(except, event.except, sizeof event.except) < 0)
        return;
    void *value;
    pthread_rwlock_wrlock(&a->lock);
    for (size_t pos = 0; bx_map_next(&a->tokens, &pos, &value);) {
        struct access_token *t = value;
        if (t->user_id == user_id && !bx_str_eq(bx_str(t->jti), except))
            t->is_revoked = true;
    }
    pthread_rwlock_unlock(&a->lock);
    access_tell(a, event);
}

/* --- api keys --- */

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int wb_access_learn_key(struct wb_access *a, struct st_conn *conn, const uint8_t hash[32])
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    struct st_api_key row;
    int rc = st_api_key_by_hash(conn, bx_str_n(hash, 32), &arena, &row);
    pthread_rwlock_wrlock(&a->lock);
    if (rc == BX_OK && !bx_map_get(&a->keys, bx_str_n(hash, 32))) {
        struct access_key *k = BX_NEW(struct access_key);
        memcpy(k->hash, hash, sizeof k->hash);
        k->id = row.id;
        k->created_by = row.created_by;
        k->expires_at = row.expires_at;
        k->scopes = row.scopes;
        k->is_revoked = row.revoked_at != 0;
        k->number_count = row.number_count;
        k->numbers = bx_calloc(row.number_count + 1, sizeof *k->numbers);
        if (row.number_count)
            memcpy(k->numbers, row.number_ids, row.number_count * sizeof *k->numbers);
        qsort(k->numbers, k->number_count, sizeof *k->numbers, by_value);
        bx_map_put(&a->keys, bx_str_n(k->hash, sizeof k->hash), k);
    }
    pthread_rwlock_unlock(&a->lock);
    bx_arena_done(&arena);
    return rc;
}

void wb_access_key_gone(struct wb_access *a, int64_t api_key_id)
{
    void *value;
    pthread_rwlock_wrlock(&a->lock);
    for (size_t pos = 0; bx_map_next(&a->keys, &pos, &value);) {
        struct access_key *k = value;
        k->is_revoked = k->is_revoked || k->id == api_key_id;
    }
    pthread_rwlock_unlock(&a->lock);
    access_tell(a,
                (struct wb_access_event){.change = WB_CHANGE_KEY_GONE, .api_key_id = api_key_id});
}

/* --- start and housekeeping --- */

static int load_users(struct wb_access *a, struct st_conn *conn, struct bx_arena *arena)
{
    struct st_user_query query = {.role = -1, .limit = ST_LIMIT_MAX};
    for (;;) {
        struct st_user *rows;
        size_t count;
        int64_t total;
        int rc = st_user_list(conn, &query, arena, &rows, &count, &total);
        if (rc < 0 || count == 0)
            return rc;
        for (size_t i = 0; i < count; i++)
            user_put(a, &rows[i]);
        query.offset += (int64_t)count;
        bx_arena_reset(arena);
    }
}

static int load_permissions(struct wb_access *a, struct st_conn *conn, struct bx_arena *arena)
{
    struct st_permission_query query = {.limit = ST_LIMIT_MAX};
    for (;;) {
        struct st_permission *rows;
        size_t count;
        int64_t total;
        int rc = st_permission_list(conn, &query, arena, &rows, &count, &total);
        if (rc < 0 || count == 0)
            return rc;
        for (size_t i = 0; i < count; i++) {
            struct access_user *u = access_user_find(a, rows[i].user_id);
            if (u)
                number_add(u, rows[i].number_id);
        }
        query.offset += (int64_t)count;
        bx_arena_reset(arena);
    }
}

int wb_access_load(struct wb_access *a, struct st_conn *conn)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    pthread_rwlock_wrlock(&a->lock);
    int rc = load_users(a, conn, &arena);
    if (rc == BX_OK)
        rc = load_permissions(a, conn, &arena);
    pthread_rwlock_unlock(&a->lock);
    bx_arena_done(&arena);
    return rc;
}

static int reload_users(struct wb_access *a, struct st_conn *conn)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    pthread_rwlock_wrlock(&a->lock);
    access_forget_users(a);
    int rc = load_users(a, conn, &arena);
    if (rc == BX_OK)
        rc = load_permissions(a, conn, &arena);
    void *value;
    for (size_t pos = 0; bx_map_next(&a->users, &pos, &value);)
        access_tell(a, (struct wb_access_event){.change = WB_CHANGE_ROLE,
                                                .user_id = ((struct access_user *)value)->id});
    pthread_rwlock_unlock(&a->lock);
    bx_arena_done(&arena);
    return rc;
}

/* Copies, so that the store is not asked under the lock. */
static struct access_token *live_tokens(struct wb_access *a, size_t *out_count)
{
    void *value;
    pthread_rwlock_rdlock(&a->lock);
    struct access_token *list = bx_calloc(a->tokens.count + 1, sizeof *list);
    *out_count = 0;
    for (size_t pos = 0; bx_map_next(&a->tokens, &pos, &value);) {
        if (!((struct access_token *)value)->is_revoked)
            list[(*out_count)++] = *(struct access_token *)value;
    }
    pthread_rwlock_unlock(&a->lock);
    return list;
}

static int end_revoked(struct wb_access *a, struct st_conn *conn)
{
    size_t count;
    struct access_token *list = live_tokens(a, &count);
    struct bx_arena arena;
    int rc = BX_OK;
    bx_arena_init(&arena, 0);
    for (size_t i = 0; rc == BX_OK && i < count; i++) {
        struct st_token row = {0};
        rc = st_token_get(conn, bx_str(list[i].jti), &arena, &row);
        if (rc == BX_E_NOT_FOUND || row.revoked_at) {
            wb_access_logout(a, list[i].user_id, bx_str(list[i].jti));
            rc = BX_OK;
        }
        bx_arena_reset(&arena);
    }
    bx_arena_done(&arena);
    free(list);
    return rc;
}

int wb_access_reload(struct wb_access *a, struct st_conn *conn)
{
    int rc = reload_users(a, conn);
    return rc == BX_OK ? end_revoked(a, conn) : rc;
}

void wb_access_sweep(struct wb_access *a, int64_t now_ms)
{
    struct bx_map kept;
    bx_map_init(&kept);
    void *value;
    pthread_rwlock_wrlock(&a->lock);
    for (size_t pos = 0; bx_map_next(&a->tokens, &pos, &value);) {
        struct access_token *t = value;
        if (t->expires_at > now_ms)
            bx_map_put(&kept, bx_str(t->jti), t);
        else
            free(t);
    }
    bx_map_done(&a->tokens);
    a->tokens = kept;
    pthread_rwlock_unlock(&a->lock);
}
