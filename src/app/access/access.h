/* Who may do what, in memory: users with their permitted numbers, live logins, api keys. Everything
 * else of identity stays in the store. Asked synchronously at every call and event, from any thread
 * (one reader-writer lock, held for a lookup); changed only by what has been committed.
 *
 * Logins and keys enter on first use (the store is asked once, on a lane); users and permissions
 * are loaded at start.
 */
#ifndef WB_ACCESS_H
#define WB_ACCESS_H

#include "store/store.h"

struct wb_access;
struct net_loop;

/* Who acts. A copy; lives where it was put. */
struct wb_principal {
    int64_t user_id; /* 0: nobody. With an api key: the administrator who made it */
    int64_t api_key_id;
    enum st_role role;
    unsigned scopes; /* bits of st_scope; all of them for a person */
    char jti[40];    /* of the login, empty with an api key */
    int64_t expires_at;
    char name[128]; /* for attribution */
};

/* May link a device, and so is told of each QR code unasked: an ADMIN, but no key without "manage". */
static inline bool wb_may_link(const struct wb_principal *p)
{
    return p->role == ST_ROLE_ADMIN && (p->scopes & ST_SCOPE_MANAGE);
}

enum wb_change {
    WB_CHANGE_GRANT,  /* number_id */
    WB_CHANGE_REVOKE, /* number_id */
    WB_CHANGE_ROLE,   /* of a user; also after deactivation and deletion (then find is NOT_FOUND) */
    WB_CHANGE_LOGOUT, /* jti; empty: every login of the user but `except` */
    WB_CHANGE_KEY_GONE /* api_key_id */
};

struct wb_access_event {
    enum wb_change change;
    int64_t user_id, number_id, api_key_id;
    char jti[40], except[40];
};

/* Observers run on the loop thread, after the change is in force. `o` is kept; embed it. */
struct wb_access_observer {
    void (*on_change)(const struct wb_access_event *event, void *arg);
    void *arg;
    struct wb_access_observer *next;
};

struct wb_access *wb_access_new(struct net_loop *loop);
void wb_access_free(struct wb_access *a);
/* At start, before the observers. Fails as the store does. */
int wb_access_load(struct wb_access *a, struct st_conn *conn);
/* Another process has changed users or logins: users are loaded again, and logins that are not in
 * the store any more end. Keys stay: only this process revokes them. Observers hear WB_CHANGE_ROLE
 * of every user, and WB_CHANGE_LOGOUT of those logins. On a lane. */
int wb_access_reload(struct wb_access *a, struct st_conn *conn);
void wb_access_observe(struct wb_access *a,
                       struct wb_access_observer *o); /* loop thread, at start */

/* --- questions, any thread --- */

/* The login of that token. BX_E_AGAIN: not known yet, call wb_access_learn_token on a lane.
 * BX_E_CLOSED: revoked, or the user is gone or inactive. `expires_at` of the token's row is not
 * judged here (the token itself says it). */
int wb_access_by_token(struct wb_access *a, struct bx_str jti, struct wb_principal *out);
/* By the 32-byte hash of the key, likewise. BX_E_EXPIRED: its time is over (now_ms). */
int wb_access_by_key(struct wb_access *a, const uint8_t hash[32], int64_t now_ms,
                     struct wb_principal *out);

/* May this principal see and use the number? ADMIN: always, unless the key is bound to others. */
bool wb_access_may(struct wb_access *a, const struct wb_principal *p, int64_t number_id);
/* Every number granted to the user (role not regarded), ascending, in the arena. */
size_t wb_access_numbers(struct wb_access *a, int64_t user_id, struct bx_arena *arena,
                         int64_t **out);
/* BX_E_NOT_FOUND. Texts in the arena; password_hash is empty. */
int wb_access_user(struct wb_access *a, int64_t user_id, struct bx_arena *arena,
                   struct st_user *out);
/* BX_E_NOT_FOUND: unknown or inactive. */
int wb_access_role(struct wb_access *a, int64_t user_id, enum st_role *out);

/* --- learning, on a lane. BX_E_NOT_FOUND: not ours or revoked. --- */

int wb_access_learn_token(struct wb_access *a, struct st_conn *conn, struct bx_str jti);
int wb_access_learn_key(struct wb_access *a, struct st_conn *conn, const uint8_t hash[32]);

/* --- changes, after their commit, any thread; observers hear of them on the loop --- */

void wb_access_user_put(struct wb_access *a, const struct st_user *user);
void wb_access_user_gone(struct wb_access *a, int64_t user_id);
void wb_access_grant(struct wb_access *a, int64_t user_id, int64_t number_id);
void wb_access_revoke(struct wb_access *a, int64_t user_id, int64_t number_id);
void wb_access_number_gone(struct wb_access *a, int64_t number_id); /* revoked from everybody */
void wb_access_token_add(struct wb_access *a, struct bx_str jti, int64_t user_id,
                         int64_t expires_at);
void wb_access_logout(struct wb_access *a, int64_t user_id, struct bx_str jti);
void wb_access_logout_all(struct wb_access *a, int64_t user_id, struct bx_str except);
void wb_access_key_gone(struct wb_access *a, int64_t api_key_id);

/* Logins and keys that are over leave the memory; now and then, any thread. */
void wb_access_sweep(struct wb_access *a, int64_t now_ms);

#endif
