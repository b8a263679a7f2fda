/* wabox-sim: a WhatsApp network on loopback. */
#include "base/conf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/version.h"
#include "sim/sim.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    const char *host, *data_dir;
    int64_t port, seed, settle_ms;
    bool demo;
};

static const struct bx_conf_row rows[] = {
    {"HOST", BX_CONF_STR, offsetof(struct settings, host), "127.0.0.1", 0, 0, NULL,
     "address to listen on", false},
    {"PORT", BX_CONF_INT, offsetof(struct settings, port), "8080", 0, 65535, NULL,
     "port for ws, wss, http and https; 0: any", false},
    {"SEED", BX_CONF_INT, offsetof(struct settings, seed), "1", 0, 0, NULL,
     "same seed: same numbers, keys and ids", false},
    {"SETTLE_MS", BX_CONF_INT, offsetof(struct settings, settle_ms), "100", 0, 10000, NULL,
     "pause before the first frame", false},
    {"DATA_DIR", BX_CONF_STR, offsetof(struct settings, data_dir), NULL, 0, 0, NULL,
     "accounts survive a restart here", false},
    {"DEMO", BX_CONF_BOOL, offsetof(struct settings, demo), "false", 0, 0, NULL,
     "scripted contacts that talk", false},
};

static struct net_loop *loop;
static struct sim *sim;

static void on_closed(void *arg)
{
    (void)arg;
    net_loop_stop(loop);
}

static void on_signal(int signum, void *arg)
{
    (void)signum;
    (void)arg;
    sim_close(sim, on_closed, NULL);
}

static bool print_asked(const struct bx_conf *conf, const char *flag)
{
    if (strcmp(flag, "--version") == 0)
        return puts("wabox-sim " BX_VERSION), true;
    if (strcmp(flag, "--help") != 0 && strcmp(flag, "-h") != 0)
        return false;
    struct bx_buf help;
    bx_buf_init(&help, 64 << 10);
    bx_conf_print_help(conf, &help);
    printf("wabox-sim: a WhatsApp network on loopback\n\n  wabox-sim [--name=value …]\n"
           "  wabox-sim --help | -h | --version\n\nSettings:\n%.*s",
           (int)help.len, (char *)help.data);
    bx_buf_done(&help);
    return true;
}

/* Names the address and what to do about it. */
static void complain(const struct settings *s, int rc)
{
    int port = (int)s->port;
    fprintf(stderr, "wabox-sim cannot start: ");
    if (rc == BX_E_EXISTS)
        fprintf(stderr,
                "port %d is in use on %s: stop the program that uses it, or choose another "
                "port with --port=N (0: any free one)\n",
                port, s->host);
    else if (rc == BX_E_DENIED && port > 0 && port < 1024)
        fprintf(stderr, "port %d needs a privilege: choose a port above 1023 with --port=N\n",
                port);
    else
        fprintf(stderr,
                "cannot listen on %s port %d: %s Check --host (an address of this machine, "
                "such as 127.0.0.1)%s%s\n",
                s->host, port, bx_err_info(rc)->sentence, s->data_dir ? " and --data-dir " : "",
                s->data_dir ? s->data_dir : "");
}

static void say_ready(uint16_t port)
{
    uint8_t root[32];
    char hex[65];
    sim_root(sim, root);
    bx_hex_encode(root, sizeof root, hex);
    printf("{\"ready\":true,\"port\":%u,\"root\":\"%s\"}\n", port, hex);
    fflush(stdout);
}

static int serve(const struct settings *s)
{
    uint16_t port;
    const struct sim_opts opts = {.host = s->host,
                                  .port = (uint16_t)s->port,
                                  .seed = (uint64_t)s->seed,
                                  .settle_ms = (uint32_t)s->settle_ms,
                                  .data_dir = s->data_dir,
                                  .is_demo = s->demo};
    int rc = net_loop_new(&loop);
    if (rc == BX_OK)
        rc = sim_new(loop, &opts, &sim, &port);
    if (rc == BX_OK) {
        net_loop_on_signal(loop, SIGTERM, on_signal, NULL);
        net_loop_on_signal(loop, SIGINT, on_signal, NULL);
        say_ready(port);
        net_loop_run(loop);
        sim_free(sim);
    } else {
        complain(s, rc);
    }
    if (loop)
        net_loop_free(loop);
    return rc < 0;
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    struct bx_conf conf;
    struct bx_buf message;
    int rest = 0, status = -1;
    bx_conf_init(&conf, rows, BX_LEN(rows), &settings);
    bx_buf_init(&message, 64 << 10);
    for (int i = 1; status < 0 && i < argc; i++) {
        if (print_asked(&conf, argv[i]))
            status = fflush(stdout) != 0;
    }
    if (status < 0 && (bx_conf_load_args(&conf, argc, argv, &rest, &message) < 0 || rest > 0)) {
        bx_buf_lit(&message, "\n\nwabox-sim: a WhatsApp network on loopback\n");
        bx_conf_print_help(&conf, &message);
        fprintf(stderr, "%.*s\n", (int)message.len, (char *)message.data);
        status = 2;
    }
    if (status < 0)
        status = serve(&settings);
    bx_buf_done(&message);
    bx_conf_done(&conf);
    return status;
}
