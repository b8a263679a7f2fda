#include "base/err.h"
#include "net/internal.h"

int net_uring_new(struct net_uring **out)
{
    (void)out;
    return BX_E_UNSUPPORTED;
}

void net_uring_free(struct net_uring *u)
{
    (void)u;
}

void net_uring_send(struct net_loop *loop, struct net_tcp *c)
{
    (void)loop;
    (void)c;
}

void net_uring_submit(struct net_loop *loop)
{
    (void)loop;
}

void net_uring_forget(struct net_uring *u, struct net_tcp *c)
{
    (void)u;
    (void)c;
}
