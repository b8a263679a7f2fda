/* The smallest useful Socket.IO server: answers `echo`, says how many are connected.
 *
 *   cc echo.c $(pkg-config --cflags --libs sio) -o echo && ./echo 3000
 */
#include <sio/sio.h>

#include <stdio.h>
#include <stdlib.h>

static void on_echo(struct sio_socket *socket, const struct sio_event *event, void *arg)
{
    (void)arg;
    if (event->ack)
        sio_ack_reply(event->ack, event->payload);
    else
        sio_emit(socket, "echo", event->payload, 0);
}

static void announce(struct sio_socket *socket)
{
    struct sio_namespace *ns = sio_socket_namespace(socket);
    char count[32];
    int len = snprintf(count, sizeof count, "%zu", sio_namespace_count(ns));
    sio_broadcast(&(struct sio_target){.ns = ns}, "count", sio_args(count, (size_t)len));
}

static void on_connection(struct sio_socket *socket, void *arg)
{
    (void)arg;
    announce(socket);
}

static void on_disconnect(struct sio_socket *socket, const char *reason, void *arg)
{
    (void)arg;
    printf("%.*s left: %s\n", (int)sio_socket_id(socket).len, sio_socket_id(socket).ptr, reason);
    announce(socket);
}

int main(int argc, char **argv)
{
    struct sio_server *server;
    uint16_t port = argc > 1 ? (uint16_t)strtoul(argv[1], NULL, 10) : 3000;
    struct sio_server_opts opts = {.allow_eio3 = true, .cors_origins = "*"};
    int rc = sio_server_new(&opts, &server);
    if (rc == 0)
        rc = sio_server_listen(server, "127.0.0.1", port, &port);
    if (rc < 0) {
        fprintf(stderr, "cannot start on port %u: %s\n", port, sio_strerror(rc));
        return 1;
    }
    struct sio_namespace *ns = sio_of(server, "/");
    sio_on_connection(ns, on_connection, NULL);
    sio_on_disconnect(ns, on_disconnect, NULL);
    sio_on(ns, "echo", on_echo, NULL);
    printf("listening on http://127.0.0.1:%u\n", port);
    sio_server_close_on_signals(server, 2000);
    sio_server_run(server);
    sio_server_free(server);
    return 0;
}
