/* TLS 1.2/1.3 through OpenSSL 3, for listeners and outgoing connections. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/buf.h"

struct net_tls_ctx;

/* Certificate chain and private key in PEM files. On failure a sentence for a person is appended to
 * message (may be NULL). BX_E_NOT_FOUND, BX_E_INVALID, BX_E_CRYPTO (key does not fit). */
int net_tls_server_new(const char *cert_path, const char *key_path, struct bx_buf *message,
                       struct net_tls_ctx **out);

/* A throw-away self-signed certificate for the comma-separated names ("localhost,127.0.0.1"). For
 * the simulator and tests. */
int net_tls_server_self_signed(const char *names, struct net_tls_ctx **out);

/* Appends the server's certificate (PEM), for those who are to trust a self-signed one. */
int net_tls_server_pem(const struct net_tls_ctx *ctx, struct bx_buf *out);

/* Reads the files again; new connections use the new certificate, old ones go on. On failure
 * nothing changes. */
int net_tls_server_reload(struct net_tls_ctx *ctx, struct bx_buf *message);

/* Whole days until the certificate (PEM) ends; negative: it has ended. BX_E_INVALID: it cannot be
 * read. */
int net_tls_cert_days(const char *path, int *out_days);

/* Verifies the peer against ca_path (PEM), or the system's store when NULL. insecure: no
 * verification (tests only). A peer whose certificate is not accepted ends a connection attempt with
 * BX_E_AUTH. BX_E_NOT_FOUND: no certificates there. */
int net_tls_client_new(const char *ca_path, bool is_insecure, struct net_tls_ctx **out);

struct net_tls_ctx *net_tls_ref(struct net_tls_ctx *ctx);
void net_tls_unref(struct net_tls_ctx *ctx);

#endif
