/* The browser's client below the server's path, as socket.io serves it: those eight names, nothing
 * else; any other name is a request for Engine.IO. */
#include "base/err.h"
#include "net/http/http_static.h"
#include "sio/internal.h"

static const char *const names[] = {
    /* sorted */
    "socket.io.esm.min.js",
    "socket.io.esm.min.js.map",
    "socket.io.js",
    "socket.io.js.map",
    "socket.io.min.js",
    "socket.io.min.js.map",
    "socket.io.msgpack.min.js",
    "socket.io.msgpack.min.js.map",
};

int sio_bundle_open(struct sio_server *server)
{
    const char *dir = server->opts.client_dir;
    size_t count;
    if (!dir)
        return BX_OK;
    int rc = http_static_load(dir, names, BX_LEN(names), &server->client_files, &count);
    if (rc < 0)
        return rc;
    server->client_count = count;
    sio_server_set_client(server, server->client_files, count);
    return BX_OK;
}

void sio_server_set_client(struct sio_server *server, const struct http_static_file *files,
                           size_t count)
{
    http_static_free(server->client);
    BX_ASSERT(http_static_new_table(files, count, &server->client) == BX_OK);
    http_static_set_cache_control(server->client, "public, max-age=0");
}

void sio_bundle_close(struct sio_server *server)
{
    http_static_free(server->client);
    http_static_unload(server->client_files, server->client_count);
}

bool sio_bundle_serve(struct sio_server *server, struct http_exchange *x)
{
    const struct http_request *r = http_exchange_request(x);
    struct bx_str prefix = bx_str(server->opts.path);
    size_t slash = bx_str_ends(prefix, BX_STR("/")) ? 1 : 0; /* stays in front of the name */
    struct bx_str name = bx_str_slice(r->path, prefix.len - slash, r->path.len);
    bool is_asked = (r->method == HTTP_GET || r->method == HTTP_HEAD) && !r->is_upgrade;
    if (!server->client || !is_asked || !http_static_has(server->client, name))
        return false;
    eio_server_add_cors(server->eio, x);
    return http_static_serve(server->client, x, name);
}
