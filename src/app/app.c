/* One place wires everything; what was opened is closed in reverse. */
#include "app/app.h"

#include "app/access/access.h"
#include "app/api/routes.h"
#include "app/api/system.h"
#include "app/channel/engine.h"
#include "app/core/counts.h"
#include "app/core/failures.h"
#include "app/core/limit.h"
#include "app/core/secrets.h"
#include "app/core/stop.h"
#include "app/inbox/inbox_changes.h"
#include "app/media/media_queue.h"
#include "app/modules.h"
#include "app/numbers/link.h"
#include "app/ops/data_dir.h"
#include "app/ops/demo.h"
#include "app/ops/doctor.h"
#include "app/ops/first_start.h"
#include "app/ops/janitor.h"
#include "app/ops/scrape.h"
#include "app/ops/version.h"
#include "app/ops/watch.h"
#include "app/realtime/realtime.h"
#include "app/rest/cors.h"
#include "app/rest/dispatch.h"
#include "app/rest/front.h"
#include "app/rest/kept.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/http/http_static.h"
#include "net/tls.h"
#include "net/ws/ws_conn.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    JWT_KEY_BYTES = 32,
    KEPT_BYTES = 8 << 20,
    GZIP_MIN_BYTES = 1024,       /* of an answer */
    OUTPUT_BYTES_MAX = 48 << 20, /* that wait for slow clients, in all */
    SLOW_JOB_MS = 250,
    SETTLE_ROUNDS = 100, /* a completion may submit again, but not for ever */
};

/* --- opening --- */

/* A connection is a descriptor, and shells give out few of them. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_max < WB_FILES_FEW)
        bx_log(BX_LOG_WARN, "app", "open-file limit is low; connections are limited", "files=%llu",
               (unsigned long long)limit.rlim_max);
}

static int open_keys(struct wb_app *app, struct bx_buf *message)
{
    const char *dir = app->config->data_dir;
    int rc = wb_master_key_open(dir, app->readers[0], app->writer, app->master_key, message);
    if (rc < 0)
        return rc;
    if (app->config->jwt_secret) {
        app->jwt_key = bx_str(app->config->jwt_secret);
        return BX_OK;
    }
    uint8_t key[JWT_KEY_BYTES];
    rc = wb_secret_file(dir, "jwt.key", key, sizeof key, message);
    bx_hex_encode(key, sizeof key, app->jwt_key_text);
    app->jwt_key = bx_str(app->jwt_key_text);
    return rc;
}

static void on_upgrade(int from, int to, void *arg)
{
    (void)arg;
    bx_log(BX_LOG_INFO, "store", "migrating database schema (may take minutes on large databases)",
           "from=%d to=%d", from, to);
}

static void on_slow_job(uint64_t ms, void *arg)
{
    (void)arg;
    wb_failure_note(WB_FAILURE_SLOW_JOB, "ms=%llu", (unsigned long long)ms);
}

static int open_store(struct wb_app *app, struct bx_buf *message)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/wabox.db", app->config->data_dir);
    struct st_options options = {.path = path, .on_upgrade = on_upgrade};
    int rc = st_store_open(&options, &app->store, message);
    struct st_writer_options writer = {.slow_ms = SLOW_JOB_MS, .on_slow = on_slow_job};
    if (rc == BX_OK)
        rc = st_writer_start(app->store, &writer, &app->writer);
    unsigned count = net_pool_threads(app->pool);
    app->readers = bx_calloc(count, sizeof *app->readers);
    for (unsigned i = 0; rc == BX_OK && i < count; i++)
        rc = st_conn_open(app->store, &app->readers[i]);
    if (rc < 0 && message->len == 0)
        bx_buf_printf(message, "%s", bx_err_info(rc)->sentence);
    if (rc < 0)
        bx_buf_printf(message, " (%s)%s", path,
                      rc == BX_E_CORRUPT ? " Restore a backup: waboxctl restore FILE." : "");
    return rc;
}

static int ensure_people(struct wb_app *app, char *out_password, size_t size,
                         struct bx_buf *message)
{
    const struct wb_config *c = app->config;
    char made[17] = "";
    struct wb_admin admin = {"Administrator", c->admin_username, c->admin_email, c->admin_password};
    if (!admin.password)
        admin.password = c->is_demo ? WB_DEMO_PASSWORD : (wb_password_make(made), made);
    int rc = wb_admin_ensure(app->writer, &admin);
    if (rc < 0)
        bx_buf_printf(message, "Cannot create the first administrator: %s",
                      bx_err_info(rc)->sentence);
    if (out_password && size)
        snprintf(out_password, size, "%s", rc == 1 ? made : "");
    if (rc >= 0 && c->is_demo && (rc = wb_demo_fill(app->writer)) < 0)
        bx_buf_printf(message, "Cannot create the demo data: %s", bx_err_info(rc)->sentence);
    return rc < 0 ? rc : wb_access_load(app->access, app->readers[0]);
}

static void make_rooms(struct wb_app *app)
{
    const struct wb_config *c = app->config;
    app->access = wb_access_new(app->loop);
    app->cors = wb_cors_new(c->frontend_url);
    app->kept = wb_kept_new(KEPT_BYTES);
    app->routes = &wb_routes;
    app->dispatch = wb_dispatch_new(app);
    app->user_limits = wb_limits_new((double)c->rate_per_second, (double)c->rate_burst);
    app->ip_limits =
        wb_limits_new((double)c->rate_ip_per_second, 2 * (double)c->rate_ip_per_second);
    app->throttle = wb_throttle_new(c->login_per_account, c->login_per_ip, c->login_window_ms);
    app->metrics.prefix = "wabox_";
    bx_metrics_register(&app->metrics, wb_metrics, wb_metric_count);
    bx_metrics_register(&app->metrics, wb_count_metrics, WB_COUNTS);
    bx_metrics_register(&app->metrics, wb_failure_metrics, WB_FAILURES);
    bx_metrics_register_histogram(&app->metrics, &wb_rest_seconds);
    bx_metrics_register_histogram(&app->metrics, &st_job_seconds);
    bx_metrics_register_histogram(&app->metrics, &st_wait_seconds);
    bx_metrics_register(&app->metrics, st_metrics, st_metric_count);
    bx_metrics_register(&app->metrics, wb_kept_metrics, wb_kept_metric_count);
    bx_metrics_register(&app->metrics, wb_janitor_metrics, wb_janitor_metric_count);
    bx_metrics_register(&app->metrics, wb_inbox_metrics, wb_inbox_metric_count);
    http_metrics_register(&app->metrics);
    ws_metrics_register(&app->metrics);
}

static int start_modules(struct wb_app *app, struct bx_buf *message)
{
    for (size_t i = 0; i < wb_module_count; i++) {
        int rc = wb_modules[i].start(app, message);
        if (rc < 0)
            return rc;
    }
    return BX_OK;
}

static void warn_of_certificate(const char *path)
{
    int days;
    if (net_tls_cert_days(path, &days) == BX_OK && days < WB_CERTIFICATE_SOON_DAYS)
        bx_log(BX_LOG_WARN, "app",
               days < 0 ? "the certificate has expired" : "the certificate expires soon",
               "file=%s days=%d", path, days);
}

static int listen_on(struct wb_app *app, struct bx_buf *message)
{
    const struct wb_config *c = app->config;
    struct http_server_opts opts = {.gzip_min_bytes = GZIP_MIN_BYTES,
                                    .max_body_bytes = (size_t)c->max_body_bytes,
                                    .max_connections = (size_t)c->max_connections,
                                    .max_connections_per_ip = (size_t)c->max_connections_per_ip};
    int rc = http_server_new(app->loop, &opts, &wb_front_handler, app, &app->http);
    if (rc == BX_OK && c->tls_cert)
        rc = net_tls_server_new(c->tls_cert, c->tls_key, message, &app->tls);
    if (rc < 0)
        return rc;
    if (c->tls_cert)
        warn_of_certificate(c->tls_cert);
    struct net_listener_opts at = {.host = c->host,
                                   .port = (uint16_t)c->port,
                                   .tls_mode = app->tls ? NET_TLS_ON : NET_TLS_OFF,
                                   .tls = app->tls};
    rc = http_server_listen(app->http, &at, &app->port);
    if (rc == BX_E_EXISTS)
        bx_buf_printf(message, "PORT: %lld is in use on %s; stop the other program or set PORT",
                      (long long)c->port, c->host);
    else if (rc == BX_E_DENIED)
        bx_buf_printf(message, "PORT: no permission for port %lld; take one above 1023",
                      (long long)c->port);
    else if (rc < 0)
        bx_buf_printf(message, "HOST: cannot listen on %s: %s", c->host, bx_err_info(rc)->sentence);
    return rc;
}

/* --- signals --- */

static char *dup_or_null(const char *text)
{
    return text ? bx_strndup(text, strlen(text)) : NULL;
}

static void reload_version(struct wb_app *app)
{
    struct wb_config fresh;
    struct bx_buf message;
    bx_buf_init(&message, 4096);
    const char *before = app->whatsapp_version ? app->whatsapp_version : "";
    int rc = wb_config_reload(app->config, &fresh, &message);
    const char *now = rc == BX_OK && fresh.whatsapp_version ? fresh.whatsapp_version : "";
    if (rc < 0) {
        bx_log(BX_LOG_ERROR, "app", "failed to reload settings", "why=%.*s", (int)message.len,
               (const char *)message.data);
    } else if (strcmp(before, now) != 0) {
        free(app->whatsapp_version);
        app->whatsapp_version = dup_or_null(fresh.whatsapp_version);
        wb_version_log(app->whatsapp_version);
        wb_link_version_changed(app);
    }
    bx_buf_done(&message);
    wb_config_done(&fresh);
}

static void on_reload(int signum, void *arg)
{
    (void)signum;
    struct wb_app *app = arg;
    struct bx_buf message;
    reload_version(app);
    bx_buf_init(&message, 1024);
    if (app->tls && net_tls_server_reload(app->tls, &message) < 0)
        bx_log(BX_LOG_ERROR, "app", "certificate not reloaded", "why=%.*s", (int)message.len,
               (const char *)message.data);
    else if (app->tls) {
        bx_log(BX_LOG_INFO, "app", "certificate reloaded", NULL);
        warn_of_certificate(app->config->tls_cert);
    }
    bx_buf_done(&message);
}

/* --- the end: stop listening, let requests finish, stop the modules, leave the loop --- */

static void on_http_closed(void *arg)
{
    struct wb_app *app = arg;
    http_server_free(app->http);
    app->http = NULL;
    wb_stop_done_one(app);
}

static void on_grace_over(void *arg)
{
    struct wb_app *app = arg;
    bx_log(BX_LOG_WARN, "app", "shutdown grace period expired; aborting running requests",
           "requests=%zu", wb_dispatch_running(app->dispatch));
    net_loop_stop(app->loop);
}

void wb_app_stop(struct wb_app *app)
{
    if (app->is_stopping)
        return;
    app->is_stopping = true;
    bx_log(BX_LOG_INFO, "app", "stopping", NULL);
    wb_watch_stop(app->watch);
    wb_janitor_stop(app->janitor);
    app->waiting = 1 + (unsigned)wb_module_count + (wb_dispatch_running(app->dispatch) > 0);
    net_timer_start(app->loop, &app->stop_timer, (uint64_t)app->config->shutdown_grace_ms);
    st_writer_drop_after(app->writer, (unsigned)app->config->shutdown_grace_ms / 2);
    for (size_t i = wb_module_count; i-- > 0;)
        wb_modules[i].stop(app);
    http_server_close(app->http, on_http_closed, app);
}

static void on_stop_signal(int signum, void *arg)
{
    (void)signum;
    wb_app_stop(arg);
}

/* --- life --- */

static void log_start(struct wb_app *app)
{
    const struct wb_config *c = app->config;
    bx_log(BX_LOG_INFO, "app", "started",
           "version=%s schema=%d listen=%s://%s:%u data_dir=%s whatsapp=%s numbers=%zu", WB_VERSION,
           st_store_version(app->store), c->tls_cert ? "https" : "http", c->host, app->port,
           c->data_dir, c->whatsapp, wb_line_count(app));
    wb_version_log(app->whatsapp_version);
}

int wb_app_start(const struct wb_config *config, const struct wb_engine_ops *engine,
                 char *admin_password, size_t size, struct wb_app **out, struct bx_buf *message)
{
    struct wb_app *app = *out = BX_NEW(struct wb_app);
    app->config = config;
    app->engine_ops = engine;
    app->started_ms = bx_mono_ms();
    app->data_dir_lock = -1;
    app->whatsapp_version = dup_or_null(config->whatsapp_version);
    raise_file_limit();
    net_timer_init(&app->stop_timer, on_grace_over, app);
    int rc = net_loop_new(&app->loop);
    if (rc == BX_OK)
        rc = net_pool_new(app->loop, (unsigned)config->workers, &app->pool);
    if (rc < 0) {
        bx_buf_printf(message, "Cannot create threads or file descriptors: %s",
                      bx_err_info(rc)->sentence);
        return rc;
    }
    net_loop_limit_output(app->loop, OUTPUT_BYTES_MAX);
    make_rooms(app);
    app->probe = wb_probe_new(app);
    rc = wb_data_dir_take(config->data_dir, &app->data_dir_lock, message);
    if (rc == BX_OK)
        rc = wb_database_check(config->data_dir, true, message);
    if (rc == BX_OK)
        rc = open_store(app, message);
    if (rc == BX_OK)
        rc = open_keys(app, message);
    if (rc == BX_OK)
        rc = ensure_people(app, admin_password, size, message);
    if (rc == BX_OK)
        rc = start_modules(app, message);
    if (rc == BX_OK)
        rc = listen_on(app, message);
    if (rc < 0)
        return rc;
    net_loop_on_signal(app->loop, SIGTERM, on_stop_signal, app);
    net_loop_on_signal(app->loop, SIGINT, on_stop_signal, app);
    net_loop_on_signal(app->loop, SIGHUP, on_reload, app);
    app->janitor = wb_janitor_start(app);
    app->watch = wb_watch_start(app);
    wb_scrape_register(app);
    log_start(app);
    return BX_OK;
}

void wb_app_run(struct wb_app *app)
{
    net_loop_run(app->loop);
}

/* The loop has ended, but the threads may have work: it is done, and what it posts releases what it
 * owns, while everything that it speaks of is there. */
static void settle(struct wb_app *app)
{
    bool has_run = true;
    for (int i = 0; has_run && i < SETTLE_ROUNDS; i++) {
        net_pool_wait(app->pool);
        if (app->writer)
            st_writer_drain(app->writer);
        has_run = net_loop_run_posted(app->loop);
    }
}

void wb_app_free(struct wb_app *app)
{
    if (!app)
        return;
    if (app->pool)
        settle(app);
    if (app->http)
        http_server_free(app->http);
    wb_realtime_free(app);
    unsigned readers = app->pool ? net_pool_threads(app->pool) : 0;
    if (app->pool)
        net_pool_free(app->pool);
    if (app->writer)
        st_writer_stop(app->writer);
    for (unsigned i = 0; app->readers && i < readers; i++) {
        if (app->readers[i])
            st_conn_close(app->readers[i]);
    }
    free(app->readers);
    free(app->whatsapp_version);
    wb_media_free(app);
    wb_lines_free(app);
    free(app->engine);
    st_store_close(app->store);
    if (app->data_dir_lock >= 0)
        close(app->data_dir_lock);
    wb_watch_free(app->watch);
    wb_janitor_free(app->janitor);
    free(app->probe);
    wb_dispatch_free(app->dispatch);
    wb_access_free(app->access);
    wb_cors_free(app->cors);
    wb_kept_free(app->kept);
    http_static_free(app->web);
    wb_limits_free(app->user_limits);
    wb_limits_free(app->ip_limits);
    wb_throttle_free(app->throttle);
    if (app->tls)
        net_tls_unref(app->tls);
    if (app->loop)
        net_loop_free(app->loop);
    free(app);
}
