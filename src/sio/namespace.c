#include <sio/namespace.h>

#include "base/err.h"
#include "base/mem.h"
#include "sio/internal.h"

#include <stdlib.h>

struct sio_namespace *sio_namespace_new(struct sio_server *server, struct bx_str name,
                                        struct sio_namespace *parent)
{
    struct sio_namespace *ns = BX_NEW(struct sio_namespace);
    ns->server = server;
    ns->name = bx_strndup(name.ptr, name.len);
    ns->parent = parent;
    ns->owns_hooks = !parent;
    ns->hooks = parent ? parent->hooks : BX_NEW(struct sio_hooks);
    ns->is_cleanup = parent && parent->is_cleanup;
    bx_map_init(&ns->sockets);
    bx_map_init(&ns->rooms);
    ns->everyone = sio_room_new(ns, BX_STR(""));
    if (server->opts.recovery_ms)
        ns->recovery = sio_recovery_new(ns);
    return ns;
}

void sio_namespace_free(struct sio_namespace *ns)
{
    BX_ASSERT(ns->sockets.count == 0 && ns->rooms.count == 0);
    if (ns->owns_hooks) {
        for (size_t i = 0; i < ns->hooks->count; i++)
            free(ns->hooks->items[i].name);
        free(ns->hooks->items);
        free(ns->hooks);
    }
    if (ns->recovery)
        sio_recovery_free(ns->recovery);
    free(ns->everyone->members);
    free(ns->everyone);
    bx_map_done(&ns->sockets);
    bx_map_done(&ns->rooms);
    free(ns->name);
    free(ns);
}

static void remove_child(void *ptr)
{
    struct sio_namespace *ns = ptr;
    if (ns->sockets.count || ns->connecting || ns->rooms.count)
        return; /* somebody came back in this very turn */
    if (bx_map_get(&ns->server->namespaces, sio_name(ns)) != ns)
        return;
    bx_map_del(&ns->server->namespaces, sio_name(ns));
    sio_namespace_free(ns);
}

/* At the end of the turn: handlers that are running may still hold the pointer. */
void sio_namespace_maybe_remove(struct sio_namespace *ns)
{
    bool is_empty = ns->sockets.count == 0 && ns->connecting == 0;
    if (ns->is_cleanup && is_empty && !ns->server->is_closing && !ns->removal_due) {
        ns->removal_due = true;
        net_loop_call_later(ns->server->loop, sio_namespace_remove_due, ns);
    }
}

void sio_namespace_remove_due(void *ptr)
{
    struct sio_namespace *ns = ptr;
    ns->removal_due = false;
    remove_child(ns);
}

/* --- registration --- */

static void add(struct sio_namespace *ns, enum sio_callback_kind kind, const char *name,
                union sio_callback_fn fn, void *arg)
{
    struct sio_hooks *h = ns->hooks;
    h->items = bx_realloc(h->items, h->count + 1, sizeof h->items[0]);
    h->items[h->count++] =
        (struct sio_callback){kind, name ? bx_strndup(name, strlen(name)) : NULL, fn, arg};
}

void sio_on_connection(struct sio_namespace *ns, void (*fn)(struct sio_socket *socket, void *arg),
                       void *arg)
{
    add(ns, SIO_CB_CONNECTION, NULL, (union sio_callback_fn){.connection = fn}, arg);
}

void sio_on_disconnecting(struct sio_namespace *ns,
                          void (*fn)(struct sio_socket *socket, const char *reason, void *arg),
                          void *arg)
{
    add(ns, SIO_CB_DISCONNECTING, NULL, (union sio_callback_fn){.reason = fn}, arg);
}

void sio_on_disconnect(struct sio_namespace *ns,
                       void (*fn)(struct sio_socket *socket, const char *reason, void *arg),
                       void *arg)
{
    add(ns, SIO_CB_DISCONNECT, NULL, (union sio_callback_fn){.reason = fn}, arg);
}

void sio_on_error(struct sio_namespace *ns,
                  void (*fn)(struct sio_socket *socket, const char *message, void *arg), void *arg)
{
    add(ns, SIO_CB_ERROR, NULL, (union sio_callback_fn){.reason = fn}, arg);
}

void sio_on(struct sio_namespace *ns, const char *name,
            void (*fn)(struct sio_socket *socket, const struct sio_event *event, void *arg),
            void *arg)
{
    add(ns, SIO_CB_EVENT, name, (union sio_callback_fn){.event = fn}, arg);
}

void sio_on_any(struct sio_namespace *ns,
                void (*fn)(struct sio_socket *socket, const struct sio_event *event, void *arg),
                void *arg)
{
    add(ns, SIO_CB_ANY, NULL, (union sio_callback_fn){.event = fn}, arg);
}

void sio_use_event(struct sio_namespace *ns,
                   const char *(*fn)(struct sio_socket *socket, const struct sio_event *event,
                                     void *arg),
                   void *arg)
{
    add(ns, SIO_CB_USE_EVENT, NULL, (union sio_callback_fn){.use_event = fn}, arg);
}

void sio_use(struct sio_namespace *ns,
             void (*fn)(struct sio_socket *socket, struct sio_next *next, void *arg), void *arg)
{
    add(ns, SIO_CB_USE, NULL, (union sio_callback_fn){.use = fn}, arg);
}

/* --- dispatch: a namespace has a handful of handlers, a walk over the table is the quickest
 * look-up --- */

void sio_call_reason(struct sio_socket *s, enum sio_callback_kind kind, const char *reason)
{
    struct sio_hooks *h = s->ns->hooks;
    for (size_t i = 0; i < h->count; i++) {
        if (h->items[i].kind == kind)
            h->items[i].fn.reason(s, reason, h->items[i].arg);
    }
}

static const char *refusal(struct sio_socket *s, const struct sio_event *event)
{
    struct sio_hooks *h = s->ns->hooks;
    const char *message = NULL;
    for (size_t i = 0; i < h->count && !message; i++) {
        if (h->items[i].kind == SIO_CB_USE_EVENT)
            message = h->items[i].fn.use_event(s, event, h->items[i].arg);
    }
    return message;
}

void sio_on_server_side(struct sio_namespace *ns, const char *name,
                        void (*fn)(struct sio_namespace *ns, const struct sio_event *event,
                                   void *arg),
                        void *arg)
{
    add(ns, SIO_CB_SERVER_SIDE, name, (union sio_callback_fn){.server_side = fn}, arg);
}

static bool is_for(const struct sio_callback *cb, enum sio_callback_kind kind, struct bx_str name)
{
    return cb->kind == kind && cb->name && strlen(cb->name) == name.len &&
           memcmp(cb->name, name.ptr, name.len) == 0;
}

void sio_dispatch_event(struct sio_socket *s, const struct sio_event *event)
{
    struct sio_hooks *h = s->ns->hooks;
    bool is_handled = false;
    for (size_t i = 0; i < h->count && s->state == SIO_CONNECTED; i++) {
        if (h->items[i].kind == SIO_CB_ANY)
            h->items[i].fn.event(s, event, h->items[i].arg);
    }
    const char *message = refusal(s, event);
    if (message) {
        sio_call_reason(s, SIO_CB_ERROR, message);
        return;
    }
    for (size_t i = 0; i < h->count && s->state == SIO_CONNECTED; i++) {
        if (is_for(&h->items[i], SIO_CB_EVENT, sio_in(event->name))) {
            is_handled = true;
            h->items[i].fn.event(s, event, h->items[i].arg);
        }
    }
    for (size_t i = 0; i < h->count && s->state == SIO_CONNECTED && !is_handled; i++) {
        if (h->items[i].kind == SIO_CB_EVENT && !h->items[i].name)
            h->items[i].fn.event(s, event, h->items[i].arg);
    }
}

void sio_dispatch_server_side(struct sio_namespace *ns, const struct sio_event *event)
{
    struct sio_hooks *h = ns->hooks;
    bool is_handled = false;
    for (size_t i = 0; i < h->count; i++) {
        if (is_for(&h->items[i], SIO_CB_SERVER_SIDE, sio_in(event->name))) {
            is_handled = true;
            h->items[i].fn.server_side(ns, event, h->items[i].arg);
        }
    }
    for (size_t i = 0; i < h->count && !is_handled; i++) {
        if (h->items[i].kind == SIO_CB_SERVER_SIDE && !h->items[i].name)
            h->items[i].fn.server_side(ns, event, h->items[i].arg);
    }
}

/* --- middlewares: each holds a sio_next; the chain goes on when it is used up --- */

struct sio_next {
    struct sio_socket *socket; /* referenced */
    size_t at;                 /* index of the callback that runs */
};

static void run_from(struct sio_socket *s, size_t at)
{
    struct sio_hooks *h = s->ns->hooks;
    bool is_skipped = s->is_recovered && !s->ns->server->opts.recovery_runs_middlewares;
    for (; at < h->count && !is_skipped; at++) {
        if (h->items[at].kind == SIO_CB_USE) {
            struct sio_next *next = BX_NEW(struct sio_next);
            *next = (struct sio_next){sio_socket_ref(s), at};
            h->items[at].fn.use(s, next, h->items[at].arg);
            return;
        }
    }
    sio_socket_connected(s);
}

void sio_namespace_connect(struct sio_namespace *ns, struct sio_socket *s)
{
    (void)ns;
    run_from(s, 0);
}

void sio_next_ok(struct sio_next *next)
{
    struct sio_socket *s = next->socket;
    size_t at = next->at;
    free(next);
    if (s->state == SIO_CONNECTING)
        run_from(s, at + 1);
    sio_socket_unref(s);
}

void sio_next_refuse(struct sio_next *next, const char *message, struct sio_str data_json)
{
    struct sio_socket *s = next->socket;
    free(next);
    if (s->state == SIO_CONNECTING)
        sio_socket_refuse(s, message, sio_in(data_json));
    sio_socket_unref(s);
}

/* --- accessors --- */

struct sio_str sio_namespace_name(const struct sio_namespace *ns)
{
    return sio_str(ns->name);
}

struct sio_server *sio_namespace_server(const struct sio_namespace *ns)
{
    return ns->server;
}

size_t sio_namespace_count(const struct sio_namespace *ns)
{
    return ns->sockets.count;
}

struct sio_socket *sio_namespace_find(struct sio_namespace *ns, struct sio_str id)
{
    return bx_map_get(&ns->sockets, sio_in(id));
}

void sio_namespace_each(struct sio_namespace *ns, void (*fn)(struct sio_socket *socket, void *arg),
                        void *arg)
{
    uint32_t count = ns->everyone->count;
    struct sio_socket **all = bx_calloc(count + 1, sizeof *all);
    for (uint32_t i = 0; i < count; i++)
        all[i] = sio_socket_ref(ns->everyone->members[i].socket);
    for (uint32_t i = 0; i < count; i++) {
        if (all[i]->state == SIO_CONNECTED)
            fn(all[i], arg);
        sio_socket_unref(all[i]);
    }
    free(all);
}
