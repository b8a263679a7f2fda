#include "app/doctor.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "net/tls.h"
#include "store/store.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>

#define DISK_LOW_BYTES ((int64_t)512 << 20)
enum { CERT_SOON_DAYS = 14, CONNECT_SECONDS = 3 };

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
    if (!S_ISDIR(st.st_mode) || access(c->data_dir, R_OK | W_OK | X_OK) < 0) {
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

static bool check_store(const struct wb_config *c, struct bx_buf *say)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/wabox.db", c->data_dir);
    if (access(path, F_OK) < 0) {
        bx_buf_lit(say, "there is none yet; the first start makes it.");
        return true;
    }
    struct st_options options = {.path = path, .is_read_only = true};
    struct st_store *store = NULL;
    struct st_conn *conn = NULL;
    size_t before = say->len;
    int rc = st_store_open(&options, &store, say);
    if (rc == BX_OK)
        rc = st_conn_open(store, &conn);
    if (rc < 0) {
        if (say->len == before)
            bx_buf_printf(say, "%s: %s", path, bx_err_info(rc)->sentence);
        st_store_close(store);
        return false;
    }
    int findings = st_check(conn, false, say);
    if (findings == 0)
        bx_buf_printf(say, "schema %d, no damage found.", st_store_version(store));
    st_conn_close(conn);
    st_store_close(store);
    return findings == 0;
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
    else if (why == EADDRINUSE)
        bx_buf_printf(say, "%s is in use on %s: waboxd is running, or another program; set PORT.",
                      port, c->host);
    else
        bx_buf_printf(say, "%s cannot be taken on %s: %s.", port, c->host, strerror(why));
    return is_free;
}

static int cert_days_left(const char *path, int *out_days)
{
    FILE *f = fopen(path, "re");
    X509 *cert = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
    if (f)
        fclose(f);
    int seconds = 0;
    bool is_read = cert && ASN1_TIME_diff(out_days, &seconds, NULL, X509_get0_notAfter(cert)) == 1;
    if (is_read && *out_days == 0 && seconds < 0)
        *out_days = -1;
    X509_free(cert);
    return is_read ? BX_OK : BX_E_INVALID;
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
    if (cert_days_left(c->tls_cert, &days) < 0) {
        bx_buf_printf(say, "%s cannot be read as a certificate.", c->tls_cert);
        return false;
    }
    bx_buf_printf(say,
                  days < 0 ? "%s has expired (%d days); renew it, then send waboxd SIGHUP."
                           : "%s is good for %d more days.",
                  c->tls_cert, days);
    return days >= CERT_SOON_DAYS;
}

static bool check_secret(const struct wb_config *c, struct bx_buf *say)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/master.key", c->data_dir);
    char db[1024];
    snprintf(db, sizeof db, "%s/wabox.db", c->data_dir);
    if (access(db, F_OK) == 0 && access(path, R_OK) < 0) {
        bx_buf_printf(say, "%s is missing: linked devices cannot be opened without it; restore it.",
                      path);
        return false;
    }
    bx_buf_printf(say, "JWT_SECRET is %s.", c->jwt_secret ? "set" : "kept in the data directory");
    return true;
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

static bool check_whatsapp(const struct wb_config *c, struct bx_buf *say)
{
    if (strcmp(c->whatsapp, "live") == 0 || strcmp(c->whatsapp, "off") == 0) {
        bx_buf_printf(say, "WABOX_WHATSAPP is %s.", c->whatsapp);
        return true;
    }
    struct bx_str text = bx_str(c->whatsapp);
    size_t colon = bx_str_find(text, ':');
    char host[256], port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *at = NULL;
    if (colon == text.len || bx_str_copy(bx_str_slice(text, 0, colon), host, sizeof host) < 0 ||
        bx_str_copy(bx_str_slice(text, colon + 1, text.len), port, sizeof port) < 0 ||
        getaddrinfo(host, port, &hints, &at) != 0) {
        bx_buf_printf(say, "WABOX_WHATSAPP: \"%s\" is neither live, off nor host:port.",
                      c->whatsapp);
        return false;
    }
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval wait = {.tv_sec = CONNECT_SECONDS};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    bool is_there = fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) == 0;
    if (fd >= 0)
        close(fd);
    freeaddrinfo(at);
    bx_buf_printf(say,
                  is_there ? "the simulator at %s answers."
                           : "nobody answers at %s: start wabox-sim there.",
                  c->whatsapp);
    return is_there;
}

static const struct {
    const char *name;
    check_fn *run;
} checks[] = {
    {"data directory", check_data_dir},
    {"disk", check_disk},
    {"database", check_store},
    {"secrets", check_secret},
    {"port", check_port},
    {"certificate", check_certificate},
    {"clock", check_clock},
    {"WhatsApp", check_whatsapp},
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
