/* Inside access_*.c only: what the cache is made of. */
#ifndef WB_ACCESS_INTERNAL_H
#define WB_ACCESS_INTERNAL_H

#include "app/access/access.h"

#include "base/map.h"

#include <pthread.h>

struct access_user {
    int64_t id;         /* its bytes are the key */
    struct st_user row; /* texts in `texts` */
    char *texts;
    int64_t *numbers; /* ascending */
    size_t number_count, number_cap;
};

struct access_token {
    char jti[40];
    int64_t user_id, expires_at;
    bool is_revoked; /* stays until it would have expired */
};

struct access_key {
    uint8_t hash[32];
    int64_t id, created_by, expires_at;
    unsigned scopes;
    int64_t *numbers; /* NULL with count 0: all */
    size_t number_count;
    bool is_revoked;
};

struct wb_access {
    pthread_rwlock_t lock;
    struct bx_map users, tokens, keys;
    struct net_loop *loop;
    struct wb_access_observer *observers;
};

struct access_user *access_user_find(struct wb_access *a, int64_t id);
void access_user_free(struct access_user *u);
void access_forget_users(struct wb_access *a); /* under the lock */
void access_tell(struct wb_access *a, struct wb_access_event event);

#endif
