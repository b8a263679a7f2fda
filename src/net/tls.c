#include "net/tls.h"

#include "base/err.h"
#include "base/mem.h"
#include "net/internal.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct net_tls_ctx {
    _Atomic int refs;
    SSL_CTX *ssl_ctx;       /* NULL in an auto view */
    struct net_tls_ctx *of; /* auto view: the context behind it */
    char *cert_path, *key_path;
    bool is_insecure;
};

struct net_tls_conn {
    SSL *ssl;
    BIO *in, *out; /* memory, owned by ssl */
};

/* Only this thread's OpenSSL error queue; emptied so that a later call does not report it. */
static void explain(struct bx_buf *message, const char *what, const char *path)
{
    unsigned long code = ERR_peek_error();
    const char *text = code ? ERR_reason_error_string(code) : NULL; /* words, without the code */
    if (!text)
        text = "the file cannot be used";
    ERR_clear_error();
    if (message)
        bx_buf_printf(message, "%s %s: %s", what, path ? path : "", text);
}

static int load_files(SSL_CTX *ctx, const char *cert, const char *key, struct bx_buf *message)
{
    const char *const paths[] = {cert, key};
    for (size_t i = 0; i < BX_LEN(paths); i++) {
        if (access(paths[i], R_OK) != 0) {
            if (message)
                bx_buf_printf(message, "%s cannot be read", paths[i]);
            return BX_E_NOT_FOUND;
        }
    }
    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1) {
        explain(message, "no certificate in", cert);
        return BX_E_INVALID;
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
        explain(message, "no usable private key in", key);
        return BX_E_CRYPTO;
    }
    return BX_OK;
}

static SSL_CTX *server_ssl_ctx(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    BX_ASSERT(ctx);
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return ctx;
}

static struct net_tls_ctx *ctx_new(SSL_CTX *ssl_ctx)
{
    struct net_tls_ctx *ctx = BX_NEW(struct net_tls_ctx);
    ctx->refs = 1;
    ctx->ssl_ctx = ssl_ctx;
    return ctx;
}

int net_tls_server_new(const char *cert_path, const char *key_path, struct bx_buf *message,
                       struct net_tls_ctx **out)
{
    SSL_CTX *ssl_ctx = server_ssl_ctx();
    int rc = load_files(ssl_ctx, cert_path, key_path, message);
    if (rc < 0) {
        SSL_CTX_free(ssl_ctx);
        return rc;
    }
    struct net_tls_ctx *ctx = ctx_new(ssl_ctx);
    ctx->cert_path = bx_strndup(cert_path, strlen(cert_path));
    ctx->key_path = bx_strndup(key_path, strlen(key_path));
    *out = ctx;
    return BX_OK;
}

int net_tls_cert_days(const char *path, int *out_days)
{
    BIO *in = BIO_new_file(path, "r");
    X509 *cert = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
    int days, seconds;
    bool is_read = cert && ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)) == 1;
    X509_free(cert);
    BIO_free(in);
    if (!is_read)
        return BX_E_INVALID;
    *out_days = days == 0 && seconds < 0 ? -1 : days;
    return BX_OK;
}

int net_tls_server_reload(struct net_tls_ctx *ctx, struct bx_buf *message)
{
    if (!ctx->cert_path)
        return BX_E_STATE;
    SSL_CTX *fresh = server_ssl_ctx();
    int rc = load_files(fresh, ctx->cert_path, ctx->key_path, message);
    if (rc < 0) {
        SSL_CTX_free(fresh);
        return rc;
    }
    SSL_CTX_free(ctx->ssl_ctx); /* open connections hold their own reference */
    ctx->ssl_ctx = fresh;
    return BX_OK;
}

/* "DNS:localhost,IP:127.0.0.1" of "localhost,127.0.0.1" */
static void subject_names(const char *names, char *out, size_t size)
{
    struct bx_str rest = bx_str(names), name;
    size_t len = 0;
    while (bx_str_split(&rest, ',', &name)) {
        char one[256];
        uint8_t address[16];
        if (bx_str_copy(name, one, sizeof one) < 0)
            continue;
        bool is_ip =
            inet_pton(AF_INET, one, address) == 1 || inet_pton(AF_INET6, one, address) == 1;
        int n =
            snprintf(out + len, size - len, "%s%s:%s", len ? "," : "", is_ip ? "IP" : "DNS", one);
        if (n < 0 || (size_t)n >= size - len)
            break;
        len += (size_t)n;
    }
}

static X509 *self_signed(EVP_PKEY *key, const char *names)
{
    char alt[1024] = "";
    subject_names(names, alt, sizeof alt);
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -86400);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400L * 3650);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"WaBox self-signed",
                               -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alt);
    if (extension) {
        X509_add_ext(cert, extension, -1);
        X509_EXTENSION_free(extension);
    }
    return cert;
}

int net_tls_server_self_signed(const char *names, struct net_tls_ctx **out)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (!key)
        return BX_E_CRYPTO;
    X509 *cert = self_signed(key, names);
    SSL_CTX *ssl_ctx = server_ssl_ctx();
    bool is_ok = X509_sign(cert, key, EVP_sha256()) > 0 &&
                 SSL_CTX_use_certificate(ssl_ctx, cert) == 1 &&
                 SSL_CTX_use_PrivateKey(ssl_ctx, key) == 1;
    X509_free(cert);
    EVP_PKEY_free(key);
    if (!is_ok) {
        SSL_CTX_free(ssl_ctx);
        ERR_clear_error();
        return BX_E_CRYPTO;
    }
    *out = ctx_new(ssl_ctx);
    return BX_OK;
}

int net_tls_server_pem(const struct net_tls_ctx *ctx, struct bx_buf *out)
{
    X509 *cert = SSL_CTX_get0_certificate(ctx->of ? ctx->of->ssl_ctx : ctx->ssl_ctx);
    BIO *bio = BIO_new(BIO_s_mem());
    char *data;
    int rc = BX_E_NOT_FOUND;
    if (cert && bio && PEM_write_bio_X509(bio, cert) == 1) {
        long len = BIO_get_mem_data(bio, &data);
        rc = bx_buf_append(out, data, len > 0 ? (size_t)len : 0);
    }
    BIO_free(bio);
    return rc;
}

int net_tls_client_new(const char *ca_path, bool is_insecure, struct net_tls_ctx **out)
{
    SSL_CTX *ssl_ctx = SSL_CTX_new(TLS_client_method());
    BX_ASSERT(ssl_ctx);
    SSL_CTX_set_min_proto_version(ssl_ctx, TLS1_2_VERSION);
    SSL_CTX_set_mode(ssl_ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    int rc = BX_OK;
    if (!is_insecure) {
        SSL_CTX_set_verify(ssl_ctx, SSL_VERIFY_PEER, NULL);
        int ok = ca_path ? SSL_CTX_load_verify_file(ssl_ctx, ca_path)
                         : SSL_CTX_set_default_verify_paths(ssl_ctx);
        rc = ok == 1 ? BX_OK : BX_E_NOT_FOUND;
    }
    if (rc < 0) {
        SSL_CTX_free(ssl_ctx);
        ERR_clear_error();
        return rc;
    }
    *out = ctx_new(ssl_ctx);
    (*out)->is_insecure = is_insecure;
    return BX_OK;
}

struct net_tls_ctx *net_tls_auto_new(struct net_tls_ctx *ctx)
{
    struct net_tls_ctx *view = ctx_new(NULL);
    view->of = net_tls_ref(ctx);
    return view;
}

bool net_tls_is_auto(const struct net_tls_ctx *ctx)
{
    return ctx->of != NULL;
}

struct net_tls_ctx *net_tls_ref(struct net_tls_ctx *ctx)
{
    ctx->refs++;
    return ctx;
}

void net_tls_unref(struct net_tls_ctx *ctx)
{
    if (!ctx || --ctx->refs > 0)
        return;
    SSL_CTX_free(ctx->ssl_ctx);
    net_tls_unref(ctx->of);
    free(ctx->cert_path);
    free(ctx->key_path);
    free(ctx);
}

int net_tls_conn_new(struct net_tls_ctx *ctx, bool is_server, const char *server_name,
                     struct net_tls_conn **out)
{
    struct net_tls_conn *t = BX_NEW(struct net_tls_conn);
    struct net_tls_ctx *real = ctx->of ? ctx->of : ctx;
    uint8_t address[16];
    t->ssl = SSL_new(real->ssl_ctx);
    t->in = BIO_new(BIO_s_mem());
    t->out = BIO_new(BIO_s_mem());
    BX_ASSERT(t->ssl && t->in && t->out);
    BIO_set_mem_eof_return(t->in, -1);
    SSL_set_bio(t->ssl, t->in, t->out);
    if (is_server) {
        SSL_set_accept_state(t->ssl);
    } else {
        bool is_ip = inet_pton(AF_INET, server_name, address) == 1 ||
                     inet_pton(AF_INET6, server_name, address) == 1;
        SSL_set_connect_state(t->ssl);
        if (!is_ip)
            SSL_set_tlsext_host_name(t->ssl, server_name);
        if (!real->is_insecure) {
            if (is_ip)
                X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), server_name);
            else
                SSL_set1_host(t->ssl, server_name);
        }
    }
    *out = t;
    return BX_OK;
}

void net_tls_conn_free(struct net_tls_conn *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    free(t);
}

int net_tls_feed(struct net_tls_conn *t, const uint8_t *data, size_t len)
{
    size_t written;
    return BIO_write_ex(t->in, data, len, &written) == 1 && written == len ? BX_OK : BX_E_NOMEM;
}

static int failure(struct net_tls_conn *t, int result)
{
    int why = SSL_get_error(t->ssl, result);
    ERR_clear_error();
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return 0;
    if (why == SSL_ERROR_ZERO_RETURN)
        return BX_E_CLOSED;
    bool is_refused = !SSL_is_server(t->ssl) && !SSL_is_init_finished(t->ssl) &&
                      SSL_get_verify_result(t->ssl) != X509_V_OK;
    return is_refused ? BX_E_AUTH : BX_E_CRYPTO;
}

ssize_t net_tls_read(struct net_tls_conn *t, uint8_t *out, size_t size)
{
    size_t n;
    if (!SSL_is_init_finished(t->ssl)) {
        int result = SSL_do_handshake(t->ssl);
        if (result != 1)
            return failure(t, result);
        if (!SSL_is_server(t->ssl))
            return 0; /* the caller first learns that the connection is there */
        /* a server: the first request may have come in the segment that ended the handshake */
    }
    int result = SSL_read_ex(t->ssl, out, size, &n);
    return result == 1 ? (ssize_t)n : failure(t, result);
}

bool net_tls_is_ready(const struct net_tls_conn *t)
{
    return SSL_is_init_finished(t->ssl);
}

int net_tls_seal(struct net_tls_conn *t, const uint8_t *data, size_t len)
{
    size_t written;
    int result = SSL_write_ex(t->ssl, data, len, &written);
    if (result == 1 && written == len)
        return BX_OK;
    ERR_clear_error();
    return BX_E_CRYPTO;
}

struct bx_str net_tls_pending(struct net_tls_conn *t)
{
    char *data;
    long len = BIO_get_mem_data(t->out, &data);
    return bx_str_n(data, len > 0 ? (size_t)len : 0);
}

void net_tls_consume(struct net_tls_conn *t, size_t len)
{
    uint8_t scratch[4096];
    while (len) {
        size_t n;
        if (BIO_read_ex(t->out, scratch, len < sizeof scratch ? len : sizeof scratch, &n) != 1)
            return;
        len -= n;
    }
}

void net_tls_close_notify(struct net_tls_conn *t)
{
    SSL_shutdown(t->ssl);
    ERR_clear_error();
}
