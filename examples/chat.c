/* A chat room with a page: names, messages, typing, join and leave. The page is in examples/chat;
 * it loads the official socket.io client, which `make run` puts beside it.
 *
 *   ./chat 3000 examples/chat
 */
#include <sio/sio.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 200, TEXT_MAX_BYTES = 8000 };

static const struct sio_str lobby = {"lobby", 5};

/* Everyone in the lobby but this socket. */
static void tell_others(struct sio_socket *socket, const char *event, const char *args)
{
    struct sio_str self = sio_socket_id(socket);
    struct sio_target others = {.ns = sio_socket_namespace(socket),
                                .rooms = &lobby,
                                .room_count = 1,
                                .except = &self,
                                .except_count = 1};
    sio_broadcast(&others, event, sio_args(args, strlen(args)));
}

/* join(name, ack): the name is kept as JSON, so it can go out again as it came. */
static void on_join(struct sio_socket *socket, const struct sio_event *event, void *arg)
{
    struct sio_str name;
    (void)arg;
    if (!sio_args_get(event->payload, 0, &name) || name.ptr[0] != '"' ||
        name.len > NAME_MAX_BYTES) {
        if (event->ack)
            sio_ack_reply(event->ack,
                          SIO_ARGS("{\"error\":\"a name of 1 to 200 bytes is needed\"}"));
        return;
    }
    char *kept = strndup(name.ptr, name.len);
    sio_socket_set_data(socket, kept, free);
    sio_join(socket, lobby);
    tell_others(socket, "joined", kept);
    if (event->ack)
        sio_ack_reply(event->ack, SIO_ARGS("{}"));
}

static void relay(struct sio_socket *socket, const struct sio_event *event, void *arg)
{
    const char *name = sio_socket_data(socket), *as = arg;
    struct sio_str text = {"\"\"", 2};
    char args[NAME_MAX_BYTES + TEXT_MAX_BYTES + 2];
    sio_args_get(event->payload, 0, &text);
    if (!name || text.ptr[0] != '"' || text.len > TEXT_MAX_BYTES)
        return;
    snprintf(args, sizeof args, "%s,%.*s", name, (int)text.len, text.ptr);
    tell_others(socket, as, args);
    if (event->ack)
        sio_ack_reply(event->ack, SIO_ARGS("{}"));
}

static void on_disconnecting(struct sio_socket *socket, const char *reason, void *arg)
{
    (void)reason;
    (void)arg;
    if (sio_socket_data(socket))
        tell_others(socket, "left", sio_socket_data(socket));
}

int main(int argc, char **argv)
{
    struct sio_server *server;
    uint16_t port = argc > 1 ? (uint16_t)strtoul(argv[1], NULL, 10) : 3000;
    struct sio_server_opts opts = {.static_dir = argc > 2 ? argv[2] : "examples/chat",
                                   .recovery_ms = 120000};
    int rc = sio_server_new(&opts, &server);
    if (rc == 0)
        rc = sio_server_listen(server, "127.0.0.1", port, &port);
    if (rc < 0) {
        fprintf(stderr, "cannot start on port %u: %s\n", port, sio_strerror(rc));
        return 1;
    }
    struct sio_namespace *ns = sio_of(server, "/");
    sio_on(ns, "join", on_join, NULL);
    sio_on(ns, "message", relay, (void *)(uintptr_t) "message");
    sio_on(ns, "typing", relay, (void *)(uintptr_t) "typing");
    sio_on_disconnecting(ns, on_disconnecting, NULL);
    printf("open http://127.0.0.1:%u/\n", port);
    fflush(stdout);
    sio_server_close_on_signals(server, 2000);
    sio_server_run(server);
    sio_server_free(server);
    return 0;
}
