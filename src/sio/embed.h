/* Inside the house: a Socket.IO server on a loop and an HTTP server that someone else owns
 * (waboxd). */
#ifndef SIO_EMBED_H
#define SIO_EMBED_H

#include "base/metrics.h"
#include "net/http/http_server.h"

#include <sio/server.h>

struct http_static_file;

/* Like sio_server_new, on the given loop (kept). sio_server_run and sio_server_listen are not for
 * such a server. */
int sio_server_new_on(struct net_loop *loop, const struct sio_server_opts *opts,
                      struct sio_server **out);

/* True when the request's path is this server's: pass the exchange to sio_server_handle then. */
bool sio_server_owns(const struct sio_server *server, const struct http_request *request);
/* When the head is there (sets the body cap), and when the request is whole. */
void sio_server_on_head(struct sio_server *server, struct http_exchange *x, size_t *out_max_body);
/* Its body is too large (http_handler.on_too_large): answers. */
void sio_server_on_too_large(struct sio_server *server, struct http_exchange *x);
void sio_server_handle(struct sio_server *server, struct http_exchange *x);

/* Serves these files below the server's path ("/socket.io.js"), instead of opts.client_dir; kept. */
void sio_server_set_client(struct sio_server *server, const struct http_static_file *files,
                           size_t count);

/* Disconnects everyone and drains for at most grace_ms; on_closed once nothing is left. Then
 * sio_server_free. */
void sio_server_shutdown(struct sio_server *server, uint32_t grace_ms, void (*on_closed)(void *arg),
                         void *arg);

/* Bytes that wait for the client of this socket; 0 when it is not connected. */
size_t sio_socket_unsent(const struct sio_socket *s);

/* Registers the server's metric tables (rows live as long as the server). */
void sio_server_register_metrics(struct sio_server *server, struct bx_metrics *set);

#endif
