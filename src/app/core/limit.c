#include "app/core/limit.h"

#include "base/fold.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>

struct bucket {
    char key[64];
    uint8_t key_len;
    double tokens;
    uint64_t at_ms;
};

struct wb_limits {
    struct bx_map buckets;
    double per_ms, burst;
};

struct wb_limits *wb_limits_new(double rate_per_s, double burst)
{
    struct wb_limits *l = BX_NEW(struct wb_limits);
    bx_map_init(&l->buckets);
    l->per_ms = rate_per_s / 1000;
    l->burst = burst;
    return l;
}

void wb_limits_free(struct wb_limits *l)
{
    if (!l)
        return;
    void *value;
    for (size_t pos = 0; bx_map_next(&l->buckets, &pos, &value);)
        free(value);
    bx_map_done(&l->buckets);
    free(l);
}

static void refill(const struct wb_limits *l, struct bucket *b, uint64_t now_ms)
{
    if (now_ms > b->at_ms)
        b->tokens += (double)(now_ms - b->at_ms) * l->per_ms;
    if (b->tokens > l->burst)
        b->tokens = l->burst;
    b->at_ms = now_ms;
}

static struct bucket *bucket_of(struct wb_limits *l, struct bx_str key, uint64_t now_ms)
{
    key = bx_str_slice(key, 0, sizeof((struct bucket *)0)->key - 1);
    struct bucket *b = bx_map_get(&l->buckets, key);
    if (!b) {
        b = BX_NEW(struct bucket);
        memcpy(b->key, key.ptr, key.len);
        b->key_len = (uint8_t)key.len;
        b->tokens = l->burst;
        b->at_ms = now_ms;
        bx_map_put(&l->buckets, bx_str_n(b->key, b->key_len), b);
    }
    refill(l, b, now_ms);
    return b;
}

uint64_t wb_limits_take(struct wb_limits *l, struct bx_str key, double cost, uint64_t now_ms)
{
    struct bucket *b = bucket_of(l, key, now_ms);
    if (b->tokens < cost)
        return (uint64_t)((cost - b->tokens) / l->per_ms) + 1;
    b->tokens -= cost;
    return 0;
}

void wb_limits_sweep(struct wb_limits *l, uint64_t now_ms)
{
    struct bx_map kept;
    bx_map_init(&kept);
    void *value;
    for (size_t pos = 0; bx_map_next(&l->buckets, &pos, &value);) {
        struct bucket *b = value;
        refill(l, b, now_ms);
        if (b->tokens < l->burst)
            bx_map_put(&kept, bx_str_n(b->key, b->key_len), b);
        else
            free(b);
    }
    bx_map_done(&l->buckets);
    l->buckets = kept;
}

struct bx_str wb_limit_address(struct bx_str ip, char out[WB_LIMIT_ADDRESS_SIZE])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct in6_addr address;
    char text[INET6_ADDRSTRLEN];
    if (bx_str_copy(ip, text, sizeof text) < 0 || inet_pton(AF_INET6, text, &address) != 1)
        return ip;
    if (memcmp(&address, mapped, sizeof mapped) == 0) {
        inet_ntop(AF_INET, (uint8_t *)&address + sizeof mapped, out, WB_LIMIT_ADDRESS_SIZE);
        return bx_str(out);
    }
    memset((uint8_t *)&address + 8, 0, 8);
    inet_ntop(AF_INET6, &address, out, WB_LIMIT_ADDRESS_SIZE - 4);
    memcpy(out + strlen(out), "/64", sizeof "/64");
    return bx_str(out);
}

/* --- wrong passwords --- */

struct wb_throttle {
    pthread_mutex_t lock;
    struct wb_limits *accounts, *addresses, *pairs;
};

struct wb_throttle *wb_throttle_new(int64_t per_account, int64_t per_ip, int64_t window_ms)
{
    struct wb_throttle *t = BX_NEW(struct wb_throttle);
    double seconds = (double)window_ms / 1000;
    pthread_mutex_init(&t->lock, NULL);
    t->accounts = wb_limits_new((double)per_account / seconds, (double)per_account);
    t->pairs = wb_limits_new((double)per_account / seconds, (double)per_account);
    t->addresses = wb_limits_new((double)per_ip / seconds, (double)per_ip);
    return t;
}

void wb_throttle_free(struct wb_throttle *t)
{
    if (!t)
        return;
    wb_limits_free(t->accounts);
    wb_limits_free(t->addresses);
    wb_limits_free(t->pairs);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* One account however it is written. */
static struct bx_str account_key(struct bx_str s, char out[64])
{
    struct bx_buf folded;
    bx_buf_init(&folded, 4096);
    bx_fold(bx_str_slice(s, 0, 256), &folded);
    struct bx_str key = bx_utf8_whole(bx_str_slice(bx_buf_view(&folded), 0, 63));
    bx_str_copy(key, out, 64);
    bx_buf_done(&folded);
    return bx_str_n(out, key.len);
}

/* One try back; what others used up stays used up. */
static void give_back(struct wb_limits *l, struct bx_str key, uint64_t now_ms)
{
    struct bucket *b = bucket_of(l, key, now_ms);
    b->tokens = b->tokens + 1 < l->burst ? b->tokens + 1 : l->burst;
}

uint64_t wb_throttle_try(struct wb_throttle *t, struct bx_str account, struct bx_str ip,
                         uint64_t now_ms)
{
    char text[64], address[WB_LIMIT_ADDRESS_SIZE];
    pthread_mutex_lock(&t->lock);
    struct bx_str at = wb_limit_address(ip, address);
    uint64_t wait = wb_limits_take(t->addresses, at, 1, now_ms);
    if (!wait) {
        wait = wb_limits_take(t->accounts, account_key(account, text), 1, now_ms);
        if (wait) /* refused before a password was looked at: no guess of this address */
            give_back(t->addresses, at, now_ms);
    }
    pthread_mutex_unlock(&t->lock);
    return wait;
}

void wb_throttle_forgive(struct wb_throttle *t, struct bx_str account, struct bx_str ip,
                         uint64_t now_ms)
{
    char text[64], address[WB_LIMIT_ADDRESS_SIZE];
    pthread_mutex_lock(&t->lock);
    give_back(t->accounts, account_key(account, text), now_ms);
    give_back(t->addresses, wb_limit_address(ip, address), now_ms);
    pthread_mutex_unlock(&t->lock);
}

/* "account address", of which a bucket's key has room for the account's first characters. */
static struct bx_str pair_of(struct bx_str account, struct bx_str ip, char out[64])
{
    char text[64], address[WB_LIMIT_ADDRESS_SIZE];
    struct bx_str at = wb_limit_address(ip, address), who = account_key(account, text);
    at = bx_str_slice(at, 0, 45);
    who = bx_utf8_whole(bx_str_slice(who, 0, 62 - at.len));
    memcpy(out, at.ptr, at.len);
    out[at.len] = ' ';
    memcpy(out + at.len + 1, who.ptr, who.len);
    return bx_str_n(out, at.len + 1 + who.len);
}

uint64_t wb_throttle_try_known(struct wb_throttle *t, struct bx_str account, struct bx_str ip,
                               uint64_t now_ms)
{
    char key[64];
    pthread_mutex_lock(&t->lock);
    uint64_t wait = wb_limits_take(t->pairs, pair_of(account, ip, key), 1, now_ms);
    pthread_mutex_unlock(&t->lock);
    return wait;
}

void wb_throttle_forgive_known(struct wb_throttle *t, struct bx_str account, struct bx_str ip,
                               uint64_t now_ms)
{
    char key[64];
    pthread_mutex_lock(&t->lock);
    give_back(t->pairs, pair_of(account, ip, key), now_ms);
    pthread_mutex_unlock(&t->lock);
}

void wb_throttle_sweep(struct wb_throttle *t, uint64_t now_ms)
{
    pthread_mutex_lock(&t->lock);
    wb_limits_sweep(t->accounts, now_ms);
    wb_limits_sweep(t->addresses, now_ms);
    wb_limits_sweep(t->pairs, now_ms);
    pthread_mutex_unlock(&t->lock);
}
