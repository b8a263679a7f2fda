#include "app/realtime/realtime_internal.h"

#include "app/access/access.h"
#include "app/core/config.h"
#include "app/core/limit.h"
#include "app/core/stop.h"
#include "app/numbers/line.h"
#include "app/realtime/backpressure.h"
#include "app/rest/cors.h"
#include "app/rest/mount.h"
#include "base/clock.h"
#include "base/json_scan.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "net/http/http_static.h"

#include <stdio.h>
#include <stdlib.h>

extern const struct http_static_file wb_bundle_files[];
extern const size_t wb_bundle_files_count;

enum {
    RECOVERY_MS = 120000,
    ROOMS_MAX = 1 << 20,
    GRACE_MS = 1000,
    USER_FACTOR = 4,
    SEND_QUEUE_MAX = 8 << 20, /* of a socket; beyond it is cut */
};

struct net_lane *wb_realtime_lane(struct wb_realtime *rt)
{
    return &rt->lanes[rt->next_lane++ % rt->lane_count];
}

struct sio_str wb_room(int64_t number_id, bool is_link, char out[WB_ROOM_SIZE])
{
    int len = snprintf(out, WB_ROOM_SIZE, "n:%lld%s", (long long)number_id, is_link ? ":link" : "");
    return (struct sio_str){out, (size_t)len};
}

/* --- announcing --- */

void wb_realtime_announce(struct wb_app *app, struct wb_line *line, const char *type,
                          struct bx_str payload)
{
    char room[WB_ROOM_SIZE];
    bool is_link = strcmp(type, "whatsapp:qr") == 0;
    if (app->realtime)
        sio_broadcast_room(app->realtime->ns, wb_room(line->id, is_link, room), type,
                           sio_args(payload.ptr, payload.len));
}

static void on_event(struct wb_sink *sink, const struct wb_log_entry *event)
{
    struct wb_app *app = BX_CONTAINER_OF(sink, struct wb_realtime, sink)->app;
    struct wb_line *line = wb_line_find(app, event->number_id);
    if (!line)
        return;
    line->emitted_seq = event->seq;
    wb_realtime_announce(app, line, event->type, event->payload);
}

size_t wb_realtime_count(struct wb_app *app)
{
    return sio_namespace_count(app->realtime->ns);
}

/* --- rights that change --- */

static void tell_permission(struct wb_agent *a, const struct wb_access_event *e)
{
    char text[96];
    int len = snprintf(text, sizeof text, "{\"whatsappNumberId\":%lld,\"granted\":%s}",
                       (long long)e->number_id, e->change == WB_CHANGE_GRANT ? "true" : "false");
    sio_emit(a->socket, "permission:changed", sio_args(text, (size_t)len), 0);
}

static bool is_logged_out(const struct wb_agent *a, const struct wb_access_event *e)
{
    if (e->change == WB_CHANGE_KEY_GONE)
        return a->who.api_key_id && a->who.api_key_id == e->api_key_id;
    if (e->change != WB_CHANGE_LOGOUT || a->who.user_id != e->user_id || a->who.api_key_id)
        return false;
    return e->jti[0] ? strcmp(a->who.jti, e->jti) == 0 : strcmp(a->who.jti, e->except) != 0;
}

static void apply_change(struct sio_socket *socket, void *arg)
{
    const struct wb_access_event *e = arg;
    struct wb_agent *a = wb_agent_of(socket);
    if (is_logged_out(a, e)) {
        sio_disconnect(socket, true);
        return;
    }
    if (a->who.user_id != e->user_id)
        return;
    if (e->change == WB_CHANGE_ROLE &&
        wb_access_role(a->rt->app->access, a->who.user_id, &a->who.role) < 0) {
        sio_disconnect(socket, true);
        return;
    }
    bool is_permission = e->change == WB_CHANGE_GRANT || e->change == WB_CHANGE_REVOKE;
    bool has_all = a->who.role == ST_ROLE_ADMIN; /* gains none and loses none */
    if (is_permission && !has_all)
        tell_permission(a, e);
    wb_agent_follow(a);
}

static void on_access(const struct wb_access_event *event, void *arg)
{
    struct wb_realtime *rt = arg;
    struct wb_access_event copy = *event;
    sio_namespace_each(rt->ns, apply_change, &copy);
}

static void apply_number(struct sio_socket *socket, void *arg)
{
    struct wb_line *line = arg;
    struct wb_agent *a = wb_agent_of(socket);
    if (wb_agent_wants(a, line))
        wb_agent_enter(a, line);
    else
        wb_agent_leave(a, line->id);
}

void wb_realtime_number_changed(struct wb_app *app, struct wb_line *line)
{
    sio_namespace_each(app->realtime->ns, apply_number, line);
}

/* --- sockets come and go --- */

static void on_expired(void *arg)
{
    struct wb_agent *a = arg;
    static const char expired[] = "{\"code\":\"TOKEN_EXPIRED\",\"message\":\"The access token has "
                                  "expired. Log in again.\"}";
    sio_emit(a->socket, "error", sio_args(expired, sizeof expired - 1), 0);
    sio_disconnect(a->socket, true);
}

static void on_connection(struct sio_socket *socket, void *arg)
{
    (void)arg;
    struct wb_agent *a = wb_agent_of(socket);
    wb_backpressure_join(a);
    net_timer_init(&a->expiry, on_expired, a);
    if (a->who.expires_at > 0 && a->who.expires_at < INT64_MAX) {
        int64_t left = a->who.expires_at - bx_wall_ms();
        net_timer_start_slack(a->rt->app->loop, &a->expiry, left > 0 ? (uint64_t)left : 0, 1000);
    }
    /* What recovery restored stays (as far as it is still allowed): it was replayed already. */
    struct bx_str chosen;
    if (sio_socket_is_recovered(socket) &&
        bx_json_get(wb_unsio(sio_socket_data_json(socket)), BX_STR("numbers"), &chosen))
        wb_agent_narrow(a, chosen);
    wb_agent_follow(a);
    a->resume_count = 0; /* of this moment: a number that is granted later starts from a snapshot */
}

static void on_disconnecting(struct sio_socket *socket, const char *reason, void *arg)
{
    (void)reason;
    (void)arg;
    struct wb_agent *a = wb_agent_of(socket);
    net_timer_stop(&a->expiry);
    wb_backpressure_leave(a);
    wb_presence_left(a);
}

/* --- the module --- */

static bool owns(const struct http_request *r, void *arg)
{
    return sio_server_owns(((struct wb_realtime *)arg)->server, r);
}

static void handle(struct http_exchange *x, void *arg)
{
    sio_server_handle(((struct wb_realtime *)arg)->server, x);
}

static void on_head(struct http_exchange *x, size_t *out_max_body, void *arg)
{
    sio_server_on_head(((struct wb_realtime *)arg)->server, x, out_max_body);
}

static void on_too_large(struct http_exchange *x, void *arg)
{
    sio_server_on_too_large(((struct wb_realtime *)arg)->server, x);
}

/* Forgets rate buckets that are full again. */
static void tidy(struct wb_chore *chore)
{
    struct wb_realtime *rt = BX_CONTAINER_OF(chore, struct wb_realtime, tidy);
    struct wb_limits *all[] = {rt->per_socket, rt->per_user, rt->abuse};
    for (size_t i = 0; i < BX_LEN(all); i++)
        wb_limits_sweep(all[i], net_loop_now_ms(rt->app->loop));
}

static void set_up(struct wb_realtime *rt)
{
    struct wb_app *app = rt->app;
    rt->ns = sio_of(rt->server, "/");
    sio_use(rt->ns, wb_realtime_authenticate, rt);
    sio_on_connection(rt->ns, on_connection, rt);
    sio_on_disconnecting(rt->ns, on_disconnecting, rt);
    sio_on(rt->ns, NULL, wb_realtime_call, rt);
    rt->observer = (struct wb_access_observer){.on_change = on_access, .arg = rt};
    wb_access_observe(app->access, &rt->observer);
    rt->sink = (struct wb_sink){.name = "socket.io", .on_event = on_event};
    wb_sinks_add(app, &rt->sink);
    rt->tidy = (struct wb_chore){.name = "realtime", .run = tidy};
    wb_chore_add(app, &rt->tidy);
    sio_server_register_metrics(rt->server, &app->metrics);
    wb_app_mount(app, (struct wb_mount){.owns = owns,
                                        .on_head = on_head,
                                        .on_too_large = on_too_large,
                                        .handle = handle,
                                        .is_guarded = true,
                                        .arg = rt});
}

int wb_realtime_start(struct wb_app *app, struct bx_buf *message)
{
    const struct wb_config *c = app->config;
    struct wb_realtime *rt = BX_NEW(struct wb_realtime);
    double rate = (double)c->socket_rate_per_second;
    rt->app = app;
    rt->lane_count = net_pool_threads(app->pool);
    for (unsigned i = 0; i < rt->lane_count; i++)
        net_lane_init(&rt->lanes[i], app->pool, 0);
    rt->per_socket = wb_limits_new(rate, 2 * rate);
    rt->per_user = wb_limits_new(USER_FACTOR * rate, 2 * USER_FACTOR * rate);
    rt->abuse = wb_limits_new(rate / 10, 2 * rate);
    wb_backpressure_open(rt);
    struct sio_server_opts opts = {.max_send_queue_bytes = SEND_QUEUE_MAX,
                                   .ping_interval_ms = (uint32_t)c->ping_interval_ms,
                                   .ping_timeout_ms = (uint32_t)c->ping_timeout_ms,
                                   .cors_origins = wb_cors_list(app->cors),
                                   .cors_credentials = true,
                                   .recovery_ms = RECOVERY_MS,
                                   .recovery_runs_middlewares = true,
                                   .max_rooms_per_socket = ROOMS_MAX,
                                   .max_connections = (size_t)c->max_connections};
    int rc = sio_server_new_on(app->loop, &opts, &rt->server);
    if (rc < 0) {
        bx_buf_printf(message, "Socket.IO cannot start: %s", bx_err_info(rc)->sentence);
        free(rt);
        return rc;
    }
    app->realtime = rt;
    if (wb_bundle_files_count)
        sio_server_set_client(rt->server, wb_bundle_files, wb_bundle_files_count);
    set_up(rt);
    return BX_OK;
}

static void on_closed(void *arg)
{
    struct wb_realtime *rt = arg;
    rt->is_closed = true;
    wb_module_stopped(rt->app);
}

void wb_realtime_stop(struct wb_app *app)
{
    sio_server_shutdown(app->realtime->server, GRACE_MS, on_closed, app->realtime);
}

void wb_realtime_free(struct wb_app *app)
{
    struct wb_realtime *rt = app->realtime;
    if (!rt || !rt->is_closed)
        return; /* sockets are still there: the process ends */
    wb_backpressure_close(rt);
    sio_server_free(rt->server);
    wb_limits_free(rt->per_socket);
    wb_limits_free(rt->per_user);
    wb_limits_free(rt->abuse);
    free(rt);
    app->realtime = NULL;
}
