#include "sim/core/random.h"
#include "base/clock.h"
#include "crypto/hash.h"

/* A stream of hashes: the same seed gives the same numbers, keys and ids for the same calls. */
void sim_random(struct sim *sim, void *out, size_t len)
{
    uint8_t *at = out;
    while (len) {
        uint64_t input[2] = {sim->seed, sim->random_count++};
        uint8_t hash[CR_SHA256_SIZE];
        size_t n = len < sizeof hash ? len : sizeof hash;
        cr_sha256(bx_str_n(input, sizeof input), hash);
        memcpy(at, hash, n);
        at += n;
        len -= n;
    }
}

double sim_chance(struct sim *sim)
{
    uint32_t v;
    sim_random(sim, &v, sizeof v);
    return (double)v / 4294967296.0;
}

void sim_keypair(struct sim *sim, struct cr_keypair *out)
{
    uint8_t secret[32];
    sim_random(sim, secret, sizeof secret);
    cr_keypair_from_private(secret, out);
}

struct bx_str sim_new_id(struct sim *sim, struct bx_arena *arena, const char *prefix)
{
    uint8_t raw[8];
    char hex[17];
    sim_random(sim, raw, sizeof raw);
    bx_hex_encode(raw, sizeof raw, hex);
    for (char *c = hex; *c; c++)
        *c = (char)(*c >= 'a' ? *c - 32 : *c);
    return bx_arena_printf(arena, "%s%s%04X", prefix, hex, (unsigned)(++sim->next_id & 0xffff));
}

int64_t sim_now_s(void)
{
    return bx_wall_ms() / 1000;
}
