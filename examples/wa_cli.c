/* A WhatsApp number on the command line: the smallest complete user of libwa. Keys live in memory
 * and, with --file, in a plain file (an example: a real user encrypts them). Commands come as JSON
 * lines on standard input, events go as JSON lines to standard output, so any test can drive it.
 *
 *     wa_cli --url ws://127.0.0.1:8080/ws/chat --insecure [--file keys.bin] [--phone 628...]
 * [--echo]
 */
#include "base/base64.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/pool.h"
#include "wa/keystore_memory.h"
#include "wa/wa.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct cli {
    struct net_loop *loop;
    struct net_pool *pool;
    struct net_lane lane;
    struct wa_client *client;
    struct wa_keystore_memory *memory;
    const struct wa_keystore *ks;
    const char *file, *phone;
    bool is_echo, is_quitting;
};

/* --- output --- */

static void emit(json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII);
    if (text) {
        printf("%s\n", text);
        fflush(stdout);
    }
    free(text);
    json_decref(line);
}

static json_t *str(struct bx_str s)
{
    return s.ptr ? json_stringn_nocheck(s.ptr, s.len) : json_null();
}

static json_t *strs(const struct bx_str *list, size_t count)
{
    json_t *out = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(out, str(list[i]));
    return out;
}

static json_t *peer(const struct wa_peer *p)
{
    return json_pack("{s:o,s:o,s:o,s:b,s:b}", "jid", str(p->jid), "pn", str(p->pn), "lid",
                     str(p->lid), "isGroup", p->is_group, "isMe", p->is_me);
}

static json_t *message_json(const struct wa_message *m)
{
    return json_pack("{s:o,s:o,s:o,s:b,s:i,s:i,s:i,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "id",
                     str(m->id), "chat", peer(&m->chat), "sender", peer(&m->sender), "fromMe",
                     m->is_from_me, "origin", (int)m->origin, "kind", (int)m->kind, "status",
                     (int)m->status, "t", (json_int_t)m->timestamp_ms, "text", str(m->text),
                     "label", str(m->label), "type", str(m->type_name), "pushName",
                     str(m->push_name), "quotedId", str(m->quoted_id), "quotedText",
                     str(m->quoted_text), "mentions", strs(m->mentions, m->mention_count));
}

static json_t *change_json(const struct wa_change *c)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:b,s:b,s:o,s:i}", "id", str(c->id), "targetId",
                     str(c->target_id), "chat", peer(&c->chat), "sender", peer(&c->sender),
                     "fromMe", c->is_from_me, "targetFromMe", c->is_target_from_me, "text",
                     str(c->text), "origin", (int)c->origin);
}

static json_t *chat_json(const struct wa_chat_info *c)
{
    return json_pack("{s:o,s:o,s:i,s:i,s:i,s:I,s:i,s:i,s:b,s:o}", "chat", peer(&c->chat), "name",
                     str(c->name), "pinned", (int)c->is_pinned, "archived", (int)c->is_archived,
                     "muted", (int)c->is_muted, "mutedUntil", (json_int_t)c->muted_until_ms, "read",
                     (int)c->is_read, "unread", (int)c->unread_count, "history", c->is_history,
                     "ids", strs(c->receipt_ids, c->receipt_id_count));
}

static json_t *contact_json(const struct wa_contact *c)
{
    return json_pack("{s:o,s:o,s:o}", "person", peer(&c->person), "fullName", str(c->full_name),
                     "pushName", str(c->push_name));
}

static json_t *group_json(const struct wa_group *g)
{
    json_t *members = json_array();
    for (size_t i = 0; i < g->member_count; i++)
        json_array_append_new(members, peer(&g->members[i].person));
    return json_pack("{s:o,s:o,s:b,s:b,s:o}", "chat", peer(&g->chat), "subject", str(g->subject),
                     "lid", g->is_lid_addressed, "gone", g->is_gone, "members", members);
}

static json_t *event_json(const struct wa_event *e)
{
    switch ((int)e->kind) {
    case WA_EVENT_MESSAGE:
        return message_json(&e->message);
    case WA_EVENT_EDIT:
    case WA_EVENT_REVOKE:
    case WA_EVENT_REACTION:
        return change_json(&e->change);
    case WA_EVENT_RECEIPT:
        return json_pack("{s:o,s:o,s:o,s:i}", "chat", peer(&e->receipt.chat), "sender",
                         peer(&e->receipt.sender), "ids", strs(e->receipt.ids, e->receipt.id_count),
                         "status", (int)e->receipt.status);
    case WA_EVENT_SENT:
        return json_pack("{s:o,s:i,s:i}", "id", str(e->sent.id), "rc", e->sent.rc, "code",
                         e->sent.server_code);
    case WA_EVENT_READ_SELF:
    case WA_EVENT_CHAT:
        return chat_json(&e->chat);
    case WA_EVENT_CONTACT:
    case WA_EVENT_LID:
    case WA_EVENT_PUSH_NAME:
    case WA_EVENT_IDENTITY_CHANGED:
        return contact_json(&e->contact);
    case WA_EVENT_GROUP:
        return group_json(&e->group);
    case WA_EVENT_PAIRED:
        return json_pack("{s:o,s:o,s:o}", "jid", str(e->account.jid), "lid", str(e->account.lid),
                         "pn", str(e->account.pn));
    default:
        return json_object();
    }
}

/* --- jobs: the whole contract of wa/job.h --- */

struct work {
    struct cli *cli;
    struct wa_job *job;
    int rc;
};

static void echo(struct cli *cli, const struct wa_message *m)
{
    char id[WA_MESSAGE_ID_SIZE];
    wa_message_id_make(id);
    struct wa_outgoing out = {
        .kind = WA_SEND_TEXT, .id = bx_str(id), .to = m->chat.jid, .text = m->text};
    if (!m->is_from_me && m->text.len && m->origin != WA_ORIGIN_HISTORY)
        wa_client_send(cli->client, &out);
}

static void work_run(void *arg, unsigned worker)
{
    struct work *w = arg;
    (void)worker;
    w->rc = wa_job_run(w->job, w->cli->ks); /* a database begins and commits around this */
}

static void work_done(void *arg)
{
    struct work *w = arg;
    for (const struct wa_event *e = w->rc >= 0 ? wa_job_events(w->job) : NULL; e; e = e->next) {
        json_t *line = event_json(e);
        json_object_set_new(line, "event", json_string(wa_event_name(e->kind)));
        emit(line);
        if (w->cli->is_echo && e->kind == WA_EVENT_MESSAGE)
            echo(w->cli, &e->message);
    }
    wa_job_finish(w->job, w->rc);
    free(w);
}

static void on_job(struct wa_client *c, struct wa_job *job, void *arg)
{
    struct work *w = BX_NEW(struct work);
    (void)c;
    *w = (struct work){arg, job, BX_OK};
    net_lane_submit(&((struct cli *)arg)->lane, work_run, work_done, w);
}

/* --- other callbacks --- */

static void on_state(struct wa_client *c, const struct wa_status_info *s, void *arg)
{
    (void)c, (void)arg;
    emit(json_pack("{s:s,s:s,s:s,s:i,s:I}", "event", "state", "state", wa_state_name(s->state),
                   "reason", wa_reason_name(s->reason), "detail", s->detail, "retryAt",
                   (json_int_t)s->retry_at_ms));
}

static void on_qr(struct wa_client *c, struct bx_str text, int64_t expires_at_ms, void *arg)
{
    (void)c, (void)arg;
    emit(json_pack("{s:s,s:o,s:I}", "event", "qr", "text", str(text), "expiresAt",
                   (json_int_t)expires_at_ms));
}

static void on_pairing_code(struct wa_client *c, const char *code, int64_t expires_at_ms, void *arg)
{
    (void)c, (void)arg, (void)expires_at_ms;
    emit(json_pack("{s:s,s:s}", "event", "pairing_code", "code", code));
}

static void on_typing(struct wa_client *c, const struct wa_peer *chat, const struct wa_peer *person,
                      enum wa_typing typing, void *arg)
{
    (void)c, (void)arg;
    emit(json_pack("{s:s,s:o,s:o,s:i}", "event", "typing", "chat", peer(chat), "person",
                   peer(person), "typing", (int)typing));
}

static void on_presence(struct wa_client *c, const struct wa_peer *person, bool is_available,
                        int64_t last_seen_ms, void *arg)
{
    (void)c, (void)arg, (void)last_seen_ms;
    emit(json_pack("{s:s,s:o,s:b}", "event", "presence", "person", peer(person), "available",
                   is_available));
}

static void on_offline_done(struct wa_client *c, unsigned count, void *arg)
{
    (void)c, (void)arg;
    emit(json_pack("{s:s,s:i}", "event", "offline_done", "count", (int)count));
}

static void on_unsent(struct wa_client *c, struct bx_str id, int rc, void *arg)
{
    (void)c, (void)arg;
    emit(json_pack("{s:s,s:o,s:i}", "event", "unsent", "id", str(id), "rc", rc));
}

static const struct wa_client_ops ops = {.on_job = on_job,
                                         .on_state = on_state,
                                         .on_qr = on_qr,
                                         .on_pairing_code = on_pairing_code,
                                         .on_typing = on_typing,
                                         .on_presence = on_presence,
                                         .on_offline_done = on_offline_done,
                                         .on_unsent = on_unsent};

/* --- the key file: kind, lengths, bytes --- */

static int save_one(void *arg, struct bx_str key, struct bx_str value)
{
    FILE *f = ((void **)arg)[0];
    uint32_t head[3] = {*(uint32_t *)((void **)arg)[1], (uint32_t)key.len, (uint32_t)value.len};
    fwrite(head, sizeof head, 1, f);
    fwrite(key.ptr, 1, key.len, f);
    fwrite(value.ptr, 1, value.len, f);
    return BX_OK;
}

static void save(struct cli *cli)
{
    FILE *f = cli->file ? fopen(cli->file, "wb") : NULL;
    for (uint32_t kind = 0; f && kind < WA_KEY_KINDS; kind++) {
        void *arg[2] = {f, &kind};
        cli->ks->ops->each(cli->ks->ctx, kind, BX_STR(""), save_one, arg);
    }
    if (f)
        fclose(f);
}

static void load(struct cli *cli)
{
    FILE *f = cli->file ? fopen(cli->file, "rb") : NULL;
    uint32_t head[3];
    while (f && fread(head, sizeof head, 1, f) == 1 && head[0] < WA_KEY_KINDS && head[1] < 4096 &&
           head[2] < (16u << 20)) {
        char *bytes = bx_calloc(1, head[1] + head[2] + 1);
        if (fread(bytes, 1, head[1] + head[2], f) == head[1] + head[2])
            cli->ks->ops->put(cli->ks->ctx, head[0], bx_str_n(bytes, head[1]),
                              bx_str_n(bytes + head[1], head[2]));
        free(bytes);
    }
    if (f)
        fclose(f);
}

/* --- commands --- */

static struct bx_str text_of(json_t *o, const char *key)
{
    json_t *v = json_object_get(o, key);
    return json_is_string(v) ? bx_str_n(json_string_value(v), json_string_length(v))
                             : (struct bx_str){0};
}

static struct wa_target target_of(json_t *o, const char *key)
{
    json_t *t = json_object_get(o, key);
    return (struct wa_target){text_of(t, "id"), text_of(t, "sender"),
                              json_is_true(json_object_get(t, "fromMe"))};
}

static size_t list_of(json_t *o, const char *key, struct bx_str *out, size_t room)
{
    json_t *list = json_object_get(o, key), *v;
    size_t i, n = 0;
    json_array_foreach(list, i, v)
    {
        if (n < room && json_is_string(v))
            out[n++] = bx_str(json_string_value(v));
    }
    return n;
}

static int cmd_send(struct cli *cli, json_t *o)
{
    static const char *const kinds[] = {"text", "reaction", "edit", "revoke"};
    struct bx_str mentions[16], kind = text_of(o, "kind");
    struct wa_outgoing out = {.id = text_of(o, "id"),
                              .to = text_of(o, "to"),
                              .text = text_of(o, "text"),
                              .target = target_of(o, "target"),
                              .quoted = target_of(o, "quoted"),
                              .quoted_text = text_of(o, "quotedText"),
                              .mentions = mentions};
    for (unsigned i = 0; i < BX_LEN(kinds); i++) {
        if (bx_str_eq(kind, bx_str(kinds[i])))
            out.kind = i;
    }
    out.mention_count = list_of(o, "mentions", mentions, BX_LEN(mentions));
    return wa_client_send(cli->client, &out);
}

static int cmd_read(struct cli *cli, json_t *o)
{
    struct bx_str ids[16];
    size_t count = list_of(o, "ids", ids, BX_LEN(ids));
    return wa_client_mark_read(cli->client, text_of(o, "chat"), text_of(o, "sender"), ids, count);
}

static int cmd_typing(struct cli *cli, json_t *o)
{
    return wa_client_set_typing(cli->client, text_of(o, "chat"),
                                (enum wa_typing)json_integer_value(json_object_get(o, "typing")));
}

static int cmd_available(struct cli *cli, json_t *o)
{
    return wa_client_set_available(cli->client, json_is_true(json_object_get(o, "on")));
}

static int cmd_subscribe(struct cli *cli, json_t *o)
{
    return wa_client_subscribe(cli->client, text_of(o, "person"));
}

static int cmd_groups(struct cli *cli, json_t *o)
{
    return wa_client_refresh_groups(cli->client, text_of(o, "group"));
}

static void on_number(struct wa_client *c, struct bx_str digits, int rc, struct bx_str jid,
                      void *arg)
{
    (void)c, (void)arg;
    emit(json_pack("{s:s,s:o,s:i,s:o}", "event", "number", "digits", str(digits), "rc", rc, "jid",
                   str(jid)));
}

static int cmd_check(struct cli *cli, json_t *o)
{
    return wa_client_check_number(cli->client, text_of(o, "digits"), on_number);
}

static int cmd_start(struct cli *cli, json_t *o)
{
    wa_client_start(cli->client, json_string_value(json_object_get(o, "phone")));
    return BX_OK;
}

static int cmd_stop(struct cli *cli, json_t *o)
{
    (void)o;
    wa_client_stop(cli->client);
    return BX_OK;
}

static int cmd_logout(struct cli *cli, json_t *o)
{
    (void)o;
    wa_client_logout(cli->client);
    return BX_OK;
}

/* Loses every Signal session, as a damaged store would. */
struct wipe {
    struct cli *cli;
    json_t *keys;
};

static int collect(void *arg, struct bx_str key, struct bx_str value)
{
    (void)value;
    json_array_append_new(arg, str(key));
    return BX_OK;
}

static void wipe_run(void *arg, unsigned worker)
{
    struct wipe *w = arg;
    json_t *v;
    size_t i;
    (void)worker;
    static const enum wa_key_kind kinds[] = {WA_KEY_SESSION, WA_KEY_SENDER_KEY};
    for (size_t k = 0; k < BX_LEN(kinds); k++) {
        json_array_clear(w->keys);
        w->cli->ks->ops->each(w->cli->ks->ctx, kinds[k], BX_STR(""), collect, w->keys);
        json_array_foreach(w->keys, i, v)
            w->cli->ks->ops->del(w->cli->ks->ctx, kinds[k], bx_str(json_string_value(v)));
    }
}

static void wipe_done(void *arg)
{
    struct wipe *w = arg;
    emit(json_pack("{s:s}", "event", "wiped"));
    json_decref(w->keys);
    free(w);
}

static int cmd_wipe(struct cli *cli, json_t *o)
{
    struct wipe *w = BX_NEW(struct wipe);
    (void)o;
    *w = (struct wipe){cli, json_array()};
    return net_lane_submit(&cli->lane, wipe_run, wipe_done, w);
}

static void on_idle(void *arg)
{
    struct cli *cli = arg;
    save(cli);
    net_loop_stop(cli->loop);
}

static void nothing(void *arg, unsigned worker)
{
    (void)arg, (void)worker;
}

static int cmd_quit(struct cli *cli, json_t *o)
{
    (void)o;
    if (cli->is_quitting)
        return BX_OK;
    cli->is_quitting = true;
    wa_client_free(cli->client);
    return net_lane_submit(&cli->lane, nothing, on_idle, cli);
}

static const struct {
    const char *name;
    int (*run)(struct cli *cli, json_t *o);
} commands[] = {
    {"send", cmd_send},           {"read", cmd_read},     {"typing", cmd_typing},
    {"available", cmd_available}, {"groups", cmd_groups}, {"subscribe", cmd_subscribe},
    {"check", cmd_check},         {"start", cmd_start},   {"stop", cmd_stop},
    {"logout", cmd_logout},       {"wipe", cmd_wipe},     {"quit", cmd_quit},
};

struct line {
    struct cli *cli;
    char *text; /* NULL: end of input */
};

static void on_line(void *arg)
{
    struct line *l = arg;
    json_t *o = l->text ? json_loads(l->text, 0, NULL) : json_pack("{s:s}", "cmd", "quit");
    struct bx_str name = text_of(o, "cmd");
    for (size_t i = 0; i < BX_LEN(commands); i++) {
        if (!bx_str_eq(name, bx_str(commands[i].name)))
            continue;
        if (l->cli->is_quitting)
            break;
        int rc = commands[i].run(l->cli, o);
        if (rc < 0)
            emit(json_pack("{s:s,s:s,s:s}", "event", "failed", "cmd", commands[i].name, "rc",
                           bx_err_name(rc)));
    }
    json_decref(o);
    free(l->text);
    free(l);
}

static void *read_lines(void *arg)
{
    struct cli *cli = arg;
    char *text = NULL;
    size_t room = 0;
    bool is_open = true;
    while (is_open) {
        is_open = getline(&text, &room, stdin) >= 0 && !strstr(text, "\"quit\"");
        struct line *l = BX_NEW(struct line);
        l->cli = cli;
        l->text = is_open ? bx_strndup(text, strlen(text)) : NULL;
        net_inbox_post(cli->loop, on_line, l);
    }
    free(text);
    return NULL;
}

static struct wa_client_opts options(struct cli *cli, int argc, char **argv)
{
    struct wa_client_opts opts = {.is_available = true};
    for (int i = 1; i < argc; i++) {
        struct bx_str a = bx_str(argv[i]);
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (bx_str_is(a, "--insecure"))
            opts.is_cert_unchecked = true;
        else if (bx_str_is(a, "--echo"))
            cli->is_echo = true;
        else if (bx_str_is(a, "--background"))
            opts.is_available = false;
        else if (bx_str_is(a, "--debug"))
            bx_log_setup(BX_LOG_DEBUG, BX_LOG_LOGFMT);
        else if (bx_str_is(a, "--url"))
            opts.url = value;
        else if (bx_str_is(a, "--file"))
            cli->file = value;
        else if (bx_str_is(a, "--phone"))
            cli->phone = value;
        else if (bx_str_is(a, "--push-name"))
            opts.push_name = value;
        else if (bx_str_is(a, "--prekeys"))
            opts.prekey_count = value ? (unsigned)strtoul(value, NULL, 10) : 0;
    }
    if (opts.is_cert_unchecked)
        net_tls_client_new(NULL, true, &opts.tls);
    return opts;
}

int main(int argc, char **argv)
{
    struct cli cli = {0};
    pthread_t reader;
    struct wa_client_opts opts = options(&cli, argc, argv);
    if (net_loop_new(&cli.loop) < 0 || net_pool_new(cli.loop, 1, &cli.pool) < 0)
        return 1;
    net_lane_init(&cli.lane, cli.pool, 0);
    cli.memory = wa_keystore_memory_new();
    cli.ks = wa_keystore_memory(cli.memory);
    load(&cli);
    if (wa_client_new(cli.loop, &opts, &ops, &cli, &cli.client) < 0) {
        fprintf(stderr, "wa_cli: bad --url\n");
        return 2;
    }
    wa_client_start(cli.client, cli.phone);
    pthread_create(&reader, NULL, read_lines, &cli);
    net_loop_run(cli.loop);
    pthread_join(reader, NULL); /* it has posted the quit, its last */
    net_pool_free(cli.pool);
    net_loop_free(cli.loop);
    wa_keystore_memory_free(cli.memory);
    if (opts.tls)
        net_tls_unref(opts.tls);
    return 0;
}
