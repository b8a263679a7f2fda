/* serverSideEmit: events between the servers of a cluster, carried by the adapter. */
#include "base/err.h"
#include "base/mem.h"
#include "sio/internal.h"

#include <sio/adapter.h>
#include <stdlib.h>

/* --- asking --- */

static int check(const struct sio_namespace *ns, const char *name,
                 const struct sio_payload *payload)
{
    if (ns->match || !ns->server->adapter_ops)
        return BX_E_UNSUPPORTED;
    return sio_event_is_reserved(bx_str(name)) ? BX_E_INVALID
                                               : sio_payload_check(ns->server, payload);
}

int sio_server_side_emit(struct sio_namespace *ns, const char *name, struct sio_payload payload)
{
    const struct sio_adapter_packet packet = {name, payload};
    int rc = check(ns, name, &payload);
    if (rc == BX_OK && !ns->server->adapter_ops->server_side_emit)
        rc = BX_E_UNSUPPORTED;
    return rc < 0 ? rc
                  : ns->server->adapter_ops->server_side_emit(ns->server->adapter, ns, &packet);
}

int sio_server_side_emit_ack(
    struct sio_namespace *ns, const char *name, struct sio_payload payload, uint32_t timeout_ms,
    void (*on_done)(int rc, const struct sio_responses *responses, void *arg), void *arg)
{
    const struct sio_adapter_packet packet = {name, payload};
    struct sio_server *server = ns->server;
    int rc = check(ns, name, &payload);
    if (rc == BX_OK && !server->adapter_ops->server_side_emit_ack)
        rc = BX_E_UNSUPPORTED;
    if (rc < 0)
        return rc;
    struct sio_collector *c = sio_collector_new(server, timeout_ms, on_done, arg);
    int servers = server->adapter_ops->server_side_emit_ack(server->adapter, ns, &packet,
                                                            sio_collector_ms(timeout_ms), c);
    c->expected += servers > 0 ? (size_t)servers : 0;
    c->users += servers > 0;
    sio_collector_asked(c);
    return BX_OK;
}

/* --- being asked --- */

struct sio_asker {
    size_t refs;
    bool is_answered;
    void (*on_answer)(struct sio_str first_argument_json, void *arg);
    void *arg;
};

struct sio_asker *sio_asker_ref(struct sio_asker *asker)
{
    asker->refs++;
    return asker;
}

static void answer(struct sio_asker *asker, struct sio_str first)
{
    if (asker->is_answered)
        return;
    asker->is_answered = true;
    asker->on_answer(first, asker->arg);
}

void sio_asker_answer(struct sio_asker *asker, struct sio_payload payload)
{
    struct sio_str first = SIO_STR("null");
    sio_args_get(payload, 0, &first);
    answer(asker, first);
}

void sio_asker_unref(struct sio_asker *asker)
{
    if (--asker->refs)
        return;
    answer(asker, (struct sio_str){NULL, 0}); /* nobody will */
    free(asker);
}

void sio_adapter_local_server_side_emit(
    struct sio_namespace *ns, const struct sio_adapter_packet *packet,
    void (*on_answer)(struct sio_str first_argument_json, void *arg), void *arg)
{
    struct sio_event event = {.name = sio_str(packet->name), .payload = packet->payload};
    if (!on_answer) {
        sio_dispatch_server_side(ns, &event);
        return;
    }
    struct sio_asker *asker = BX_NEW(struct sio_asker);
    *asker = (struct sio_asker){.refs = 1, .on_answer = on_answer, .arg = arg};
    struct sio_ack ack = {.asker = asker};
    event.ack = &ack;
    sio_dispatch_server_side(ns, &event);
    sio_asker_unref(asker);
}
