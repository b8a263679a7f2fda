/* The smallest bot on libwa: links a number by QR, answers every text with the same text. Its keys live
 * in memory, so it links anew at each start; a real bot keeps them in a database (wa/keystore.h), with
 * one transaction around wa_job_run.
 *
 *     cc wa_echo.c $(pkg-config --cflags --libs wa) -o wa_echo
 *     ./wa_echo                          WhatsApp itself: show the QR text with any QR program
 *     ./wa_echo ws://127.0.0.1:8090/ws/chat      a simulator (wabox-sim)
 */
#include <wa/keystore_memory.h>
#include <wa/wa.h>

#include <net/loop.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct bot {
    struct net_loop *loop;
    struct wa_client *client;
    struct wa_keystore_memory *keys;
};

static void answer(struct bot *bot, const struct wa_message *m)
{
    char id[WA_MESSAGE_ID_SIZE];
    if (m->is_from_me || !m->text.len || m->origin == WA_ORIGIN_HISTORY)
        return;
    wa_message_id_make(id);
    struct wa_outgoing out = {
        .kind = WA_SEND_TEXT, .id = bx_str(id), .to = m->chat.jid, .text = m->text};
    wa_client_send(bot->client, &out);
    printf("echo %.*s\n", BX_STR_ARG(m->text));
    fflush(stdout);
}

/* A job may run on any thread, one at a time and in order; here it runs in the loop's next turn. */
static void run_job(void *arg)
{
    struct wa_job *job = arg;
    struct bot *bot = wa_client_arg(wa_job_client(job));
    int rc = wa_job_run(job, wa_keystore_memory(bot->keys));
    for (const struct wa_event *e = rc >= 0 ? wa_job_events(job) : NULL; e; e = e->next) {
        if (e->kind == WA_EVENT_MESSAGE)
            answer(bot, &e->message);
    }
    wa_job_finish(job, rc);
}

static void on_job(struct wa_client *c, struct wa_job *job, void *arg)
{
    (void)c;
    net_inbox_post(((struct bot *)arg)->loop, run_job, job);
}

static void on_state(struct wa_client *c, const struct wa_status_info *s, void *arg)
{
    (void)c, (void)arg;
    printf("%s %s\n", wa_state_name(s->state), wa_reason_name(s->reason));
    fflush(stdout);
}

static void on_qr(struct wa_client *c, struct bx_str text, int64_t expires_at_ms, void *arg)
{
    (void)c, (void)expires_at_ms, (void)arg;
    printf("qr %.*s\n", BX_STR_ARG(text));
    fflush(stdout);
}

static void on_unsent(struct wa_client *c, struct bx_str id, int rc, void *arg)
{
    (void)c, (void)arg;
    fprintf(stderr, "not sent: %.*s (%d)\n", BX_STR_ARG(id), rc);
}

static const struct wa_client_ops ops = {
    .on_job = on_job, .on_state = on_state, .on_qr = on_qr, .on_unsent = on_unsent};

int main(int argc, char **argv)
{
    struct bot bot = {.keys = wa_keystore_memory_new()};
    struct wa_client_opts opts = {.url = argc > 1 ? argv[1] : NULL, .is_cert_unchecked = argc > 1};
    signal(SIGPIPE, SIG_IGN);
    if (net_loop_new(&bot.loop) < 0 ||
        wa_client_new(bot.loop, &opts, &ops, &bot, &bot.client) < 0) {
        fprintf(stderr, "cannot start: is the address right?\n");
        return 1;
    }
    wa_client_start(bot.client, NULL);
    net_loop_run(bot.loop);
    return 0;
}
