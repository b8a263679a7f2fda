/* Token buckets: `rate` per second flow in, at most `burst` stand. Keys are short byte strings. */
#ifndef WB_LIMIT_H
#define WB_LIMIT_H

#include "base/str.h"

#include <stdint.h>

struct wb_limits;

/* One thread. rate may be below one per second. */
struct wb_limits *wb_limits_new(double rate_per_s, double burst);
void wb_limits_free(struct wb_limits *l);
/* Takes `cost` from the bucket of the key; 0, or the milliseconds after which it would do. Keys
 * longer than 63 bytes count by their first 63. */
uint64_t wb_limits_take(struct wb_limits *l, struct bx_str key, double cost, uint64_t now_ms);
/* Forgets buckets that are full again. */
void wb_limits_sweep(struct wb_limits *l, uint64_t now_ms);

/* Under what an address counts: a host may choose among the 2^64 addresses of an IPv6 network, so that
 * is one; an IPv4 address in IPv6 clothes is itself. In `out`, or `ip` itself. */
enum { WB_LIMIT_ADDRESS_SIZE = 64 };
struct bx_str wb_limit_address(struct bx_str ip, char out[WB_LIMIT_ADDRESS_SIZE]);

/* Wrong passwords, per address and per account. Any thread. */
struct wb_throttle;
struct wb_throttle *wb_throttle_new(int64_t per_account, int64_t per_ip, int64_t window_ms);
void wb_throttle_free(struct wb_throttle *t);
/* Before the password is looked at: 0, or how long to wait (ms). Takes one try; give it back with
 * _forgive when the password was right. Accounts count without regard to letter case. */
uint64_t wb_throttle_try(struct wb_throttle *t, struct bx_str account, struct bx_str ip,
                         uint64_t now_ms);
void wb_throttle_forgive(struct wb_throttle *t, struct bx_str account, struct bx_str ip,
                         uint64_t now_ms);
/* The same from an address where this account's password was right before. Such a pair has tries of its
 * own: strangers who use up the account's, or neighbours who use up the address's, do not lock its
 * owner out. */
uint64_t wb_throttle_try_known(struct wb_throttle *t, struct bx_str account, struct bx_str ip,
                               uint64_t now_ms);
void wb_throttle_forgive_known(struct wb_throttle *t, struct bx_str account, struct bx_str ip,
                               uint64_t now_ms);
void wb_throttle_sweep(struct wb_throttle *t, uint64_t now_ms);

#endif
