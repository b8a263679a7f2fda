/* The application that shared load generators measure: every client joins `room`; `bcast` goes to
 * the room as `msg`; `echo` is acknowledged. Prints its port and process id.
 *
 *   ./bench_server [uring] PORT
 */
#include <sio/sio.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct sio_str room = {"room", 4};

static void on_connection(struct sio_socket *socket, void *arg)
{
    (void)arg;
    sio_join(socket, room);
}

static void on_bcast(struct sio_socket *socket, const struct sio_event *event, void *arg)
{
    (void)arg;
    sio_broadcast_room(sio_socket_namespace(socket), room, "msg", event->payload);
}

static void on_echo(struct sio_socket *socket, const struct sio_event *event, void *arg)
{
    (void)socket;
    (void)arg;
    if (event->ack)
        sio_ack_reply(event->ack, event->payload);
}

int main(int argc, char **argv)
{
    struct sio_server *server;
    uint16_t port = argc > 1 ? (uint16_t)strtoul(argv[argc - 1], NULL, 10) : 3000;
    struct sio_server_opts opts = {.use_io_uring = argc > 2 && strcmp(argv[1], "uring") == 0};
    signal(SIGUSR2, SIG_IGN); /* "collect garbage", for servers that have some */
    int rc = sio_server_new(&opts, &server);
    if (rc == 0)
        rc = sio_server_listen(server, "127.0.0.1", port, &port);
    if (rc < 0) {
        fprintf(stderr, "cannot start on port %u: %s\n", port, sio_strerror(rc));
        return 1;
    }
    struct sio_namespace *ns = sio_of(server, "/");
    sio_on_connection(ns, on_connection, NULL);
    sio_on(ns, "bcast", on_bcast, NULL);
    sio_on(ns, "echo", on_echo, NULL);
    printf("listening libsio %u pid %d\n", port, (int)getpid());
    fflush(stdout);
    sio_server_close_on_signals(server, 1000);
    sio_server_run(server);
    sio_server_free(server);
    return 0;
}
