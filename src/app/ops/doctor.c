#include "app/ops/doctor.h"

#include "app/core/config.h"
#include "app/ops/data_dir.h"
#include "app/ops/version.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "net/tls.h"
#include "net/ws/ws_handshake.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>

#define DISK_LOW_BYTES ((int64_t)512 << 20)
#define LIVE_HOST "web.whatsapp.com"
enum { CONNECT_SECONDS = 3 };

/* A check fills `say` and returns whether it is fine. */
typedef bool check_fn(const struct wb_config *c, struct bx_buf *say);

static bool check_data_dir(const struct wb_config *c, struct bx_buf *say)
{
    struct stat st;
    if (stat(c->data_dir, &st) < 0) {
        bx_buf_printf(say, "%s cannot be looked at: %s. The first start makes it.", c->data_dir,
                      strerror(errno));
        return errno == ENOENT;
    }
    if (!S_ISDIR(st.st_mode)) {
        bx_buf_printf(say, "%s is a file; DATA_DIR must name a directory.", c->data_dir);
        return false;
    }
    if (access(c->data_dir, R_OK | W_OK | X_OK) < 0) {
        bx_buf_printf(say,
                      "%s cannot be written by this user; give it to the user that runs waboxd.",
                      c->data_dir);
        return false;
    }
    if (st.st_mode & 077) {
        bx_buf_printf(say, "%s is open to other users; run chmod 700 on it.", c->data_dir);
        return false;
    }
    bx_buf_printf(say, "%s is there and can be written.", c->data_dir);
    return true;
}

/* What holds messages or keys is for the user of waboxd alone. */
static bool check_modes(const struct wb_config *c, struct bx_buf *say)
{
    static const char *const names[] = {"wabox.db", "wabox.db-wal", "wabox.db-shm", "master.key",
                                        "jwt.key"};
    for (size_t i = 0; i < BX_LEN(names); i++) {
        char path[1024];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", c->data_dir, names[i]);
        if (stat(path, &st) == 0 && (st.st_mode & 077)) {
            bx_buf_printf(say, "%s is open to other users; run chmod 600 on it.", path);
            return false;
        }
    }
    bx_buf_lit(say, "only the owner can read the database and the keys.");
    return true;
}

/* Keys without the database that they belong to: a lost or misplaced wabox.db. */
static bool check_orphans(const struct wb_config *c, struct bx_buf *say)
{
    char database[1024], key[1024];
    snprintf(database, sizeof database, "%s/wabox.db", c->data_dir);
    snprintf(key, sizeof key, "%s/master.key", c->data_dir);
    struct stat st;
    bool has_database = stat(database, &st) == 0 && st.st_size > 0;
    if (access(key, F_OK) == 0 && !has_database) {
        bx_buf_printf(say,
                      "%s is there, but no database beside it: restore a backup (waboxctl "
                      "restore FILE), or move the key away for a new start.",
                      key);
        return false;
    }
    bx_buf_lit(say, "no key without its database.");
    return true;
}

/* An http(s) origin: scheme, host, perhaps a port; `has_path` allows a path behind it. */
static bool is_origin(struct bx_str text, bool has_path)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < BX_LEN(schemes); i++) {
        if (!bx_str_starts(text, bx_str(schemes[i])))
            continue;
        struct bx_str rest = bx_str_slice(text, strlen(schemes[i]), text.len);
        size_t slash = bx_str_find(rest, '/');
        return slash > 0 && bx_str_find(rest, ' ') == rest.len && (has_path || slash == rest.len);
    }
    return false;
}

static bool check_addresses(const struct wb_config *c, struct bx_buf *say)
{
    struct bx_str rest = bx_str(c->frontend_url ? c->frontend_url : ""), one;
    while (rest.len && bx_str_split(&rest, ',', &one)) {
        one = bx_str_trim(one);
        if (bx_str_ends(one, BX_STR("/")))
            one.len--; /* as CORS reads it */
        if (one.len == 0 || is_origin(one, false))
            continue;
        bx_buf_printf(say,
                      "FRONTEND_URL: \"%.*s\" is not an origin such as https://app.example.com "
                      "(no path).",
                      (int)one.len, one.ptr);
        return false;
    }
    if (c->public_url && *c->public_url && !is_origin(bx_str(c->public_url), true)) {
        bx_buf_printf(say,
                      "PUBLIC_URL: \"%s\" is not an address such as https://wabox.example.com.",
                      c->public_url);
        return false;
    }
    bx_buf_lit(say, "FRONTEND_URL and PUBLIC_URL are addresses.");
    return true;
}

static bool check_disk(const struct wb_config *c, struct bx_buf *say)
{
    struct statvfs vfs;
    if (statvfs(c->data_dir, &vfs) < 0) {
        bx_buf_lit(say, "the data directory is not there yet.");
        return true;
    }
    int64_t left = (int64_t)vfs.f_bavail * (int64_t)vfs.f_frsize;
    bool is_fine = left >= DISK_LOW_BYTES;
    bx_buf_printf(say, "%lld MiB are free%s", (long long)(left >> 20),
                  is_fine ? "." : "; free some space before messages are refused.");
    return is_fine;
}

/* BX_E_NOT_FOUND: there is none. */
static int database_open(const struct wb_config *c, struct st_store **out_store,
                         struct st_conn **out_conn, struct bx_buf *say)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/wabox.db", c->data_dir);
    if (access(path, F_OK) < 0)
        return BX_E_NOT_FOUND;
    struct st_options options = {.path = path, .is_read_only = true};
    size_t before = say->len;
    *out_store = NULL;
    int rc = st_store_open(&options, out_store, say);
    if (rc == BX_OK)
        rc = st_conn_open(*out_store, out_conn);
    if (rc == BX_OK)
        return rc;
    if (say->len == before)
        bx_buf_printf(say, "%s", bx_err_info(rc)->sentence);
    bx_buf_printf(say, " (%s)", path);
    st_store_close(*out_store);
    return rc;
}

static bool check_store(const struct wb_config *c, struct bx_buf *say)
{
    struct st_store *store;
    struct st_conn *conn;
    int rc = database_open(c, &store, &conn, say);
    if (rc == BX_E_NOT_FOUND)
        bx_buf_lit(say, "there is none yet; the first start makes it.");
    if (rc < 0) {
        if (rc == BX_E_CORRUPT)
            bx_buf_lit(say, " Restore a backup: waboxctl restore FILE.");
        return rc == BX_E_NOT_FOUND;
    }
    int findings = st_check(conn, false, say);
    if (findings == 0)
        bx_buf_printf(say, "schema %d, no damage found.", st_store_version(store));
    else if (findings < 0)
        bx_buf_lit(say, "it is damaged. Restore a backup: waboxctl restore FILE.");
    st_conn_close(conn);
    st_store_close(store);
    return findings == 0;
}

/* Whoever serves this directory holds its lock. */
static bool is_served(const struct wb_config *c)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/lock", c->data_dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is_held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    if (fd >= 0)
        close(fd);
    return is_held;
}

static bool check_server(const struct wb_config *c, struct bx_buf *say)
{
    bx_buf_printf(say, is_served(c) ? "waboxd is running on %s." : "no waboxd is running on %s.",
                  c->data_dir);
    return true;
}

static bool check_port(const struct wb_config *c, struct bx_buf *say)
{
    char port[8];
    snprintf(port, sizeof port, "%lld", (long long)c->port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV},
                    *at = NULL;
    if (getaddrinfo(c->host, port, &hints, &at) != 0) {
        bx_buf_printf(say, "HOST %s is not an address of a network card.", c->host);
        return false;
    }
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool is_free = fd >= 0 && bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, 1) == 0;
    int why = errno;
    if (fd >= 0)
        close(fd);
    freeaddrinfo(at);
    if (is_free)
        bx_buf_printf(say, "%s is free on %s.", port, c->host);
    else if (why == EADDRINUSE && is_served(c))
        bx_buf_printf(say,
                      "%s is in use on %s, by waboxd it seems: one runs on this data directory.",
                      port, c->host);
    else if (why == EADDRINUSE)
        bx_buf_printf(say, "%s is in use on %s by another program: stop it, or set PORT.", port,
                      c->host);
    else if (why == EACCES)
        bx_buf_printf(say,
                      "%s needs a privilege: take a PORT above 1023, or grant "
                      "CAP_NET_BIND_SERVICE.",
                      port);
    else
        bx_buf_printf(say, "%s cannot be taken on %s: %s.", port, c->host, strerror(why));
    return is_free || (why == EADDRINUSE && is_served(c));
}

static bool check_certificate(const struct wb_config *c, struct bx_buf *say)
{
    if (!c->tls_cert) {
        bx_buf_lit(say, "none set; fine behind a proxy that speaks TLS, not on the open internet.");
        return true;
    }
    struct net_tls_ctx *tls = NULL;
    int days = 0;
    if (net_tls_server_new(c->tls_cert, c->tls_key, say, &tls) < 0)
        return false;
    net_tls_unref(tls);
    if (net_tls_cert_days(c->tls_cert, &days) < 0) {
        bx_buf_printf(say, "%s cannot be read as a certificate.", c->tls_cert);
        return false;
    }
    bool is_fine = days >= WB_CERTIFICATE_SOON_DAYS;
    bx_buf_printf(say, days < 0 ? "%s has expired (%d days)" : "%s is good for %d more days",
                  c->tls_cert, days);
    bx_buf_printf(say, is_fine ? "." : "; renew it, then send waboxd SIGHUP.");
    return is_fine;
}

static bool check_secret(const struct wb_config *c, struct bx_buf *say)
{
    struct st_store *store;
    struct st_conn *conn;
    struct bx_buf ignored;
    uint8_t key[WB_MASTER_KEY_SIZE];
    bx_buf_init(&ignored, 4096);
    int rc = database_open(c, &store, &conn, &ignored);
    bx_buf_done(&ignored);
    if (rc < 0) {
        bx_buf_lit(say, "there is no database to compare the master key with.");
        return true;
    }
    rc = wb_master_key_read(c->data_dir, conn, key, say);
    explicit_bzero(key, sizeof key);
    st_conn_close(conn);
    st_store_close(store);
    if (rc == BX_OK)
        bx_buf_printf(say, "the master key belongs to the database; JWT_SECRET is %s.",
                      c->jwt_secret ? "set" : "kept in the data directory");
    else if (rc == BX_E_NOT_FOUND)
        bx_buf_lit(say, "there is no master key yet; the next start makes it.");
    return rc == BX_OK || rc == BX_E_NOT_FOUND;
}

static bool check_files(const struct wb_config *c, struct bx_buf *say)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return true;
    unsigned long long files = limit.rlim_max;
    bool is_fine = files >= WB_FILES_FEW;
    bx_buf_printf(say,
                  "%llu open files are allowed, one for each connection; MAX_CONNECTIONS is %lld%s",
                  files, (long long)c->max_connections,
                  is_fine ? "." : ": raise it (LimitNOFILE= in the unit, ulimit -n in a shell).");
    return is_fine;
}

static bool check_clock(const struct wb_config *c, struct bx_buf *say)
{
    (void)c;
    const int64_t first_release_ms = INT64_C(1735689600000); /* 2025-01-01 */
    char now[BX_ISO8601_SIZE];
    bx_iso8601(bx_wall_ms(), now);
    bool is_fine = bx_wall_ms() > first_release_ms;
    bx_buf_printf(say, is_fine ? "it is %s." : "it is %s here; set the clock, or logins fail.",
                  now);
    return is_fine;
}

/* BX_OK, or why the host does not answer on the port. */
static int try_connect(const char *host, uint16_t port)
{
    char service[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(host, service, &hints, &list) != 0)
        return BX_E_NOT_FOUND;
    int rc = BX_E_CLOSED;
    for (struct addrinfo *at = list; at && rc < 0; at = at->ai_next) {
        int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct timeval wait = {.tv_sec = CONNECT_SECONDS};
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) == 0)
            rc = BX_OK;
        if (fd >= 0)
            close(fd);
    }
    freeaddrinfo(list);
    return rc;
}

static bool check_live(struct bx_buf *say)
{
    int rc = try_connect(LIVE_HOST, 443);
    if (rc == BX_OK)
        bx_buf_lit(say, "live; " LIVE_HOST " answers.");
    else if (rc == BX_E_NOT_FOUND)
        bx_buf_lit(say,
                   "live, but the name " LIVE_HOST " cannot be looked up: no network, or no DNS. "
                   "waboxd keeps trying.");
    else
        bx_buf_lit(say, "live, but " LIVE_HOST " does not answer on port 443: no network, or a "
                        "firewall. waboxd keeps trying.");
    return rc == BX_OK;
}

static bool check_simulator(const char *setting, const struct ws_url *at, struct bx_buf *say)
{
    int rc = try_connect(at->host, at->port);
    bx_buf_printf(say,
                  rc == BX_OK
                      ? "the simulator at %s answers."
                      : "nobody answers at %s: start wabox-sim there, or set WABOX_WHATSAPP.",
                  setting);
    return rc == BX_OK;
}

static bool check_whatsapp(const struct wb_config *c, struct bx_buf *say)
{
    if (strcmp(c->whatsapp, "live") == 0)
        return check_live(say);
    char *text;
    struct ws_url url;
    int rc = wb_config_whatsapp(c->whatsapp, &text, say);
    if (rc == BX_OK && !text) {
        bx_buf_lit(say, "switched off (WABOX_WHATSAPP=off).");
        return true;
    }
    if (rc == BX_OK && (rc = ws_url_parse(text, &url)) < 0)
        bx_buf_printf(say, "WABOX_WHATSAPP: \"%s\" is no address.", c->whatsapp);
    free(text);
    if (rc < 0)
        return false;
    bool is_there = check_simulator(c->whatsapp, &url, say);
    ws_url_done(&url);
    return is_there;
}

static bool check_version(const struct wb_config *c, struct bx_buf *say)
{
    if (strcmp(c->whatsapp, "live") == 0)
        return wb_version_check(c->whatsapp_version, bx_wall_ms(), say);
    bx_buf_lit(say, "any will do: this is not WhatsApp itself (WABOX_WHATSAPP).");
    return true;
}

static const struct {
    const char *name;
    check_fn *run;
} checks[] = {
    {"data directory", check_data_dir},
    {"server", check_server},
    {"file modes", check_modes},
    {"keys", check_orphans},
    {"addresses", check_addresses},
    {"disk", check_disk},
    {"database", check_store},
    {"secrets", check_secret},
    {"port", check_port},
    {"open files", check_files},
    {"certificate", check_certificate},
    {"clock", check_clock},
    {"WhatsApp", check_whatsapp},
    {"WhatsApp version", check_version},
};

int wb_doctor(const struct wb_config *c, struct bx_buf *out)
{
    int failed = 0;
    for (size_t i = 0; i < BX_LEN(checks); i++) {
        struct bx_buf say;
        bx_buf_init(&say, 64 << 10);
        bool is_fine = checks[i].run(c, &say);
        failed += !is_fine;
        bx_buf_printf(out, "%s %s: %.*s\n", is_fine ? "ok  " : "FAIL", checks[i].name, (int)say.len,
                      (const char *)say.data);
        bx_buf_done(&say);
    }
    return failed;
}
