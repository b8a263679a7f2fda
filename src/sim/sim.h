/* The simulator as a whole. One thread: everything happens on the loop. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "net/loop.h"

struct sim;

struct sim_opts {
    const char *host;     /* address to listen on */
    uint16_t port;        /* 0: any */
    uint64_t seed;        /* same seed, same calls: same numbers, keys and ids */
    uint32_t settle_ms;   /* pause between the handshake and the first frame */
    const char *data_dir; /* accounts survive a restart there; NULL: memory only */
    bool is_demo;         /* scripted contacts that talk */
};

/* Starts listening; *out_port is the port taken. BX_E_EXISTS (address in use), BX_E_INVALID,
 * BX_E_DENIED. */
int sim_new(struct net_loop *loop, const struct sim_opts *opts, struct sim **out,
            uint16_t *out_port);

/* The public key that signs this network's certificates: what clients are to trust. */
void sim_root(const struct sim *sim, uint8_t out[32]);

/* Stops accepting, closes everyone, saves. Then sim_free once on_closed was called. */
void sim_close(struct sim *sim, void (*on_closed)(void *arg), void *arg);
void sim_free(struct sim *sim);

#endif
