#include "app/core/config.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(struct wb_config, field)
#define SECOND ((int64_t)1000)
#define DAY (86400 * SECOND)

/* clang-format off */
static const struct bx_conf_row rows[] = {
    {"PORT", BX_CONF_INT, AT(port), "5000", 0, 65535, NULL, "port for REST, Socket.IO and the web page; 0 takes a free one", false},
    {"HOST", BX_CONF_STR, AT(host), "0.0.0.0", 0, 0, NULL, "address to listen on", false},
    {"DATA_DIR", BX_CONF_STR, AT(data_dir), "./data", 0, 0, NULL, "directory of the database, keys and media", false},
    {"FRONTEND_URL", BX_CONF_STR, AT(frontend_url),
     NULL, 0, 0, NULL,
     "origins whose pages may call this server, comma separated, beside localhost:3000 and :5173", false},
    {"PUBLIC_URL", BX_CONF_STR, AT(public_url), NULL, 0, 0, NULL, "address of this server from outside; default: the request's Host", false},
    {"TLS_CERT", BX_CONF_STR, AT(tls_cert), NULL, 0, 0, NULL, "certificate chain (PEM); with TLS_KEY the port speaks TLS", false},
    {"TLS_KEY", BX_CONF_STR, AT(tls_key), NULL, 0, 0, NULL, "private key (PEM)", false},
    {"TRUST_PROXY", BX_CONF_BOOL, AT(trust_proxy), "false", 0, 0, NULL, "believe X-Forwarded-For and -Proto (only behind a proxy that sets them)", false},

    {"JWT_SECRET", BX_CONF_STR, AT(jwt_secret), NULL, 0, 0, NULL, "key that signs logins, 16 characters or more; default: made once into DATA_DIR", true},
    {"JWT_EXPIRES_IN", BX_CONF_MS, AT(jwt_expires_ms), "7d", SECOND, 3650 * DAY, NULL, "how long a login lasts", false},
    {"ADMIN_USERNAME", BX_CONF_STR, AT(admin_username), "admin", 0, 0, NULL, "first administrator, made when there is none", false},
    {"ADMIN_EMAIL", BX_CONF_STR, AT(admin_email), "admin@example.com", 0, 0, NULL, "e-mail of the first administrator", false},
    {"ADMIN_PASSWORD", BX_CONF_STR, AT(admin_password), NULL, 0, 0, NULL, "password of the first administrator; default: random, printed once", true},
    {"LOGIN_PER_ACCOUNT", BX_CONF_INT, AT(login_per_account), "10", 1, 100000, NULL, "failed logins per account and window before 429", false},
    {"LOGIN_PER_IP", BX_CONF_INT, AT(login_per_ip), "100", 1, 1000000, NULL, "failed logins per address and window before 429", false},
    {"LOGIN_WINDOW", BX_CONF_MS, AT(login_window_ms), "15m", SECOND, DAY, NULL, "window of the two limits above", false},

    {"DEFAULT_COUNTRY_CODE", BX_CONF_INT, AT(default_country_code), "62", 1, 999, NULL, "what a leading 0 of a phone number stands for", false},
    {"NUMBERS_VISIBLE", BX_CONF_ENUM, AT(numbers_visible), "all", 0, 0, "all|permitted", "which WhatsApp numbers a user sees in lists", false},
    {"WABOX_WHATSAPP", BX_CONF_STR, AT(whatsapp), "live", 0, 0, NULL, "live, off, or host:port of a wabox-sim", false},
    {"WABOX_WHATSAPP_ROOT", BX_CONF_STR, AT(whatsapp_root), NULL, 0, 0, NULL, "root key of that wabox-sim, which prints it (64 hex digits); default: not checked; live: WhatsApp's own", false},
    {"WABOX_WHATSAPP_VERSION", BX_CONF_STR, AT(whatsapp_version), NULL, 0, 0, NULL, "version of WhatsApp Web to speak as, such as 2.3000.1045649367, when WhatsApp refuses the built-in one; read anew on SIGHUP from the settings file", false},
    {"WABOX_WHATSAPP_CA", BX_CONF_STR, AT(whatsapp_ca), NULL, 0, 0, NULL, "PEM file of the authority behind wss:// and downloads; default: the system's", false},
    {"DEMO", BX_CONF_BOOL, AT(is_demo), "false", 0, 0, NULL, "demo data and the login admin/admin123; never on a reachable server", false},

    {"WORKERS", BX_CONF_INT, AT(workers), "4", 2, 64, NULL, "threads for the store and for hashing", false},
    {"HASHERS", BX_CONF_INT, AT(hashers), "2", 1, 32, NULL, "passwords hashed at the same time (fewer than WORKERS)", false},
    {"MAX_CONNECTIONS", BX_CONF_INT, AT(max_connections), "100000", 10, 10000000, NULL, "open connections", false},
    {"MAX_CONNECTIONS_PER_IP", BX_CONF_INT, AT(max_connections_per_ip), "0", 0, 10000000, NULL, "the same from one address; 0: no limit", false},
    {"MAX_BODY", BX_CONF_BYTES, AT(max_body_bytes), "1M", 1024, 64 << 20, NULL, "largest JSON body", false},
    {"RATE_PER_SECOND", BX_CONF_INT, AT(rate_per_second), "600", 300, 1000000, NULL, "REST requests per second and user", false},
    {"RATE_BURST", BX_CONF_INT, AT(rate_burst), "1200", 300, 1000000, NULL, "REST requests a user may save up", false},
    {"RATE_IP_PER_SECOND", BX_CONF_INT, AT(rate_ip_per_second), "1000", 100, 1000000, NULL, "requests without a login per second and address", false},
    {"SOCKET_RATE_PER_SECOND", BX_CONF_INT, AT(socket_rate_per_second), "50", 1, 100000, NULL, "events per second and socket", false},
    {"PING_INTERVAL", BX_CONF_MS, AT(ping_interval_ms), "25s", 100, 3600 * SECOND, NULL, "heartbeat of Engine.IO", false},
    {"PING_TIMEOUT", BX_CONF_MS, AT(ping_timeout_ms), "20s", 100, 3600 * SECOND, NULL, "silence after a ping that ends a connection", false},

    {"EVENT_RETENTION", BX_CONF_MS, AT(event_retention_ms), "30d", SECOND, 3650 * DAY, NULL, "age at which event log rows go", false},
    {"EVENT_RETENTION_COUNT", BX_CONF_INT, AT(event_retention_count), "200000", 100, INT64_C(1000000000), NULL, "event log rows kept per number", false},
    {"AUDIT_RETENTION", BX_CONF_MS, AT(audit_retention_ms), "365d", DAY, 36500 * DAY, NULL, "age at which audit rows, and api keys that have ended, go", false},
    {"IDEMPOTENCY_RETENTION", BX_CONF_MS, AT(idempotency_retention_ms), "24h", 60 * SECOND, 30 * DAY, NULL, "how long an Idempotency-Key is remembered", false},
    {"JANITOR_INTERVAL", BX_CONF_MS, AT(janitor_interval_ms), "60s", 100, DAY, NULL, "how often the server looks for rows that are due to go", false},

    {"MEDIA_STORE", BX_CONF_STR, AT(media_store), NULL, 0, 0, NULL, "where files of messages are kept: dir:PATH or s3://BUCKET?endpoint=URL&region=NAME; default: DATA_DIR/media", false},
    {"S3_ACCESS_KEY", BX_CONF_STR, AT(s3_access_key), NULL, 0, 0, NULL, "name of the key for an s3:// store", false},
    {"S3_SECRET_KEY", BX_CONF_STR, AT(s3_secret_key), NULL, 0, 0, NULL, "the key for an s3:// store", true},
    {"MEDIA_AUTO_MAX", BX_CONF_BYTES, AT(media_auto_max), "64M", 0, INT64_C(2000) << 20, NULL, "files up to this size are fetched when their message arrives, larger ones when somebody asks", false},
    {"MEDIA_MAX_DOCUMENT", BX_CONF_BYTES, AT(media_max_document), "2000M", 1 << 20, INT64_C(2000) << 20, NULL, "largest file", false},
    {"MEDIA_LINK_TTL", BX_CONF_MS, AT(media_link_ttl_ms), "1h", SECOND, 7 * DAY, NULL, "how long a link to a file is valid", false},

    {"LOG_LEVEL", BX_CONF_ENUM, AT(log_level), "info", 0, 0, "debug|info|warn|error|off", "least level that is logged", false},
    {"LOG_FORMAT", BX_CONF_ENUM, AT(log_format), "logfmt", 0, 0, "logfmt|json", "form of a log line", false},
    {"SHUTDOWN_GRACE", BX_CONF_MS, AT(shutdown_grace_ms), "10s", 0, 600 * SECOND, NULL, "time for running requests at a stop", false},
};
/* clang-format on */

int wb_config_whatsapp(const char *setting, char **out_url, struct bx_buf *message)
{
    *out_url = NULL;
    if (strcmp(setting, "live") == 0 || strcmp(setting, "off") == 0)
        return BX_OK;
    struct bx_buf url;
    bx_buf_init(&url, 1024);
    const char *scheme = strstr(setting, "://"), *host = scheme ? scheme + 3 : setting;
    bx_buf_printf(&url, "%s%s%s", scheme ? "" : "ws://", setting,
                  strchr(host, '/') ? "" : "/ws/chat");
    bool is_ok = bx_str_starts(bx_buf_view(&url), BX_STR("ws://")) ||
                 bx_str_starts(bx_buf_view(&url), BX_STR("wss://"));
    is_ok = is_ok && *host != '\0' && (scheme || strchr(setting, ':'));
    if (is_ok)
        *out_url = bx_strndup((char *)url.data, url.len);
    else
        bx_buf_printf(message,
                      "WABOX_WHATSAPP: \"%s\" is neither live, off, host:port nor "
                      "ws://host:port/ws/chat of a wabox-sim",
                      setting);
    bx_buf_done(&url);
    return is_ok ? BX_OK : BX_E_INVALID;
}

int wb_config_whatsapp_root(const struct wb_config *c, uint8_t out[32])
{
    return c->whatsapp_root ? bx_hex_decode(bx_str(c->whatsapp_root), out, 32) : BX_E_NOT_FOUND;
}

/* "2.3000.1045649367" */
static bool is_version(struct bx_str text)
{
    struct bx_str part;
    uint64_t number;
    int count = 0;
    while (bx_str_split(&text, '.', &part)) {
        if (bx_str_u64(part, UINT32_MAX, &number) < 0)
            return false;
        count++;
    }
    return count == 3;
}

/* Settings that only make sense together. */
static int check(const struct wb_config *c, struct bx_buf *message)
{
    uint8_t root[32];
    if (!c->tls_cert != !c->tls_key)
        bx_buf_printf(message, "%s: is not set, but %s is; TLS needs both files",
                      c->tls_cert ? "TLS_KEY" : "TLS_CERT", c->tls_cert ? "TLS_CERT" : "TLS_KEY");
    else if (c->jwt_secret && strlen(c->jwt_secret) < 16)
        bx_buf_lit(message, "JWT_SECRET: has fewer than 16 characters");
    else if (c->admin_password && strlen(c->admin_password) < 8)
        bx_buf_lit(message, "ADMIN_PASSWORD: has fewer than 8 characters");
    else if (c->hashers >= c->workers)
        bx_buf_lit(message, "HASHERS: must be smaller than WORKERS, or reads wait for passwords");
    else if (c->whatsapp_root && wb_config_whatsapp_root(c, root) < 0)
        bx_buf_lit(
            message,
            "WABOX_WHATSAPP_ROOT: is not 64 hex digits; wabox-sim prints its root when it starts");
    else if (c->whatsapp_version && !is_version(bx_str(c->whatsapp_version)))
        bx_buf_printf(message,
                      "WABOX_WHATSAPP_VERSION: \"%s\" is not three numbers with dots, such as "
                      "2.3000.1045649367",
                      c->whatsapp_version);
    else if (c->data_dir[0] == '\0')
        bx_buf_lit(message, "DATA_DIR: is empty");
    else {
        char *url;
        int rc = wb_config_whatsapp(c->whatsapp, &url, message);
        free(url);
        return rc;
    }
    return BX_E_INVALID;
}

/* Takes --env-file out of argv. */
static const char *take_env_file(int *argc, char **argv)
{
    static const char name[] = "--env-file=";
    const char *path = NULL;
    int kept = 0;
    for (int i = 0; i < *argc; i++) {
        if (strncmp(argv[i], name, sizeof name - 1) == 0)
            path = argv[i] + sizeof name - 1;
        else
            argv[kept++] = argv[i];
    }
    *argc = kept;
    return path;
}

int wb_config_load(struct wb_config *c, int argc, char **argv, int *out_rest,
                   struct bx_buf *message)
{
    *c = (struct wb_config){0};
    c->args = bx_calloc((size_t)argc + 1, sizeof *c->args);
    memcpy(c->args, argv, (size_t)argc * sizeof *c->args);
    c->arg_count = argc;
    const char *env_file = take_env_file(&argc, argv);
    bx_conf_init(&c->conf, rows, BX_LEN(rows), c);
    int rc = bx_conf_load_file(&c->conf, env_file ? env_file : ".env", message);
    if (rc == BX_E_NOT_FOUND && env_file) {
        bx_buf_printf(message, "%s: there is no such file", env_file);
        return BX_E_INVALID;
    }
    if (rc < 0 && rc != BX_E_NOT_FOUND)
        return rc;
    rc = bx_conf_load_env(&c->conf, message);
    if (rc == BX_OK)
        rc = bx_conf_load_args(&c->conf, argc, argv, out_rest, message);
    return rc == BX_OK ? check(c, message) : rc;
}

int wb_config_reload(const struct wb_config *of, struct wb_config *out, struct bx_buf *message)
{
    int rest; /* loading moves the arguments about: of->args is left as it is */
    char **args = bx_calloc((size_t)of->arg_count + 1, sizeof *args);
    memcpy(args, of->args, (size_t)of->arg_count * sizeof *args);
    int rc = wb_config_load(out, of->arg_count, args, &rest, message);
    free(args);
    return rc;
}

void wb_config_done(struct wb_config *c)
{
    free(c->args);
    c->args = NULL;
    bx_conf_done(&c->conf);
}

int wb_config_help(struct bx_buf *out)
{
    struct wb_config c = {0};
    bx_conf_init(&c.conf, rows, BX_LEN(rows), &c);
    int rc = bx_conf_print_help(&c.conf, out);
    bx_conf_done(&c.conf);
    return rc;
}
