/* Every corner of libsio's public API behind events, for tests/interop/sio/test/api.test.mjs. Knows
 * include/sio only.
 *
 *   api_server [option=value ...]      prints {"ready":true,"main":PORT[,"other":PORT]}
 *
 * A target is three arguments: "room,room", "except,except", flags. cluster=1 runs a second server
 * on a thread of its own, and an adapter that joins the two (cluster.c).
 */
#include "api_server.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_MAX = 16 };

static _Thread_local struct {
    int destroyed, seen, error_code;
    char last_error[64], last_reason[64];
} state;

/* --- arguments --- */

static size_t text_arg(const struct sio_event *e, size_t num, char *buf, size_t size)
{
    struct sio_str value;
    int len = sio_args_get(e->payload, num, &value) ? sio_json_string(value, buf, size) : 0;
    if (len <= 0)
        buf[0] = 0;
    return len < 0 ? 0 : (size_t)len;
}

static unsigned long number_arg(const struct sio_event *e, size_t num)
{
    struct sio_str value;
    char text[24] = "";
    if (sio_args_get(e->payload, num, &value) && value.len < sizeof text)
        memcpy(text, value.ptr, value.len);
    return strtoul(text, NULL, 10);
}

struct list {
    char text[512];
    struct sio_str items[LIST_MAX];
    size_t count;
};

static void list_arg(const struct sio_event *e, size_t num, struct list *out)
{
    char *at = out->text;
    out->count = 0;
    if (!text_arg(e, num, out->text, sizeof out->text))
        return;
    while (at && out->count < LIST_MAX) {
        char *comma = strchr(at, ',');
        size_t len = comma ? (size_t)(comma - at) : strlen(at);
        out->items[out->count++] = (struct sio_str){at, len};
        at = comma ? comma + 1 : NULL;
    }
}

struct who {
    struct list rooms, except;
    struct sio_target target;
};

static void who_arg(struct sio_socket *s, const struct sio_event *e, struct who *out)
{
    list_arg(e, 0, &out->rooms);
    list_arg(e, 1, &out->except);
    out->target = (struct sio_target){.ns = sio_socket_namespace(s),
                                      .rooms = out->rooms.items,
                                      .room_count = out->rooms.count,
                                      .except = out->except.items,
                                      .except_count = out->except.count,
                                      .flags = (unsigned)number_arg(e, 2)};
}

/* What is left of the arguments behind the first num. */
static struct sio_payload rest_arg(const struct sio_event *e, size_t num)
{
    struct sio_payload rest = e->payload;
    struct sio_str skipped, next;
    for (size_t i = 0; i < num; i++)
        sio_args_next(&rest.args, &skipped);
    struct sio_str cursor = rest.args;
    if (sio_args_next(&cursor, &next)) {
        size_t before = (size_t)(next.ptr - rest.args.ptr);
        rest.args = (struct sio_str){next.ptr, rest.args.len - before};
    } else {
        rest.args = (struct sio_str){NULL, 0};
    }
    return rest;
}

static void answer_number(const struct sio_event *e, long value)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%ld", value);
    if (e->ack)
        sio_ack_reply(e->ack, sio_args(text, (size_t)len));
}

static void answer_text(const struct sio_event *e, const char *value, size_t len)
{
    char text[4096];
    int n = sio_json_quote((struct sio_str){value, len}, text, sizeof text);
    if (e->ack && n > 0)
        sio_ack_reply(e->ack, sio_args(text, (size_t)n));
}

/* --- rooms and targets --- */

static void on_join(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    char room[64];
    size_t len = text_arg(e, 0, room, sizeof room);
    (void)arg;
    answer_number(e, sio_join(s, (struct sio_str){room, len}));
}

static void on_leave(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    char room[64];
    size_t len = text_arg(e, 0, room, sizeof room);
    (void)arg;
    answer_number(e, sio_leave(s, (struct sio_str){room, len}));
}

static void on_to(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    struct who who;
    (void)arg;
    who_arg(s, e, &who);
    answer_number(e, sio_broadcast(&who.target, "news", rest_arg(e, 3)));
}

static void on_sockets_join(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    struct who who;
    struct list rooms;
    (void)arg;
    who_arg(s, e, &who);
    list_arg(e, 3, &rooms);
    answer_number(e, sio_sockets_join(&who.target, rooms.items, rooms.count));
}

static void on_sockets_leave(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    struct who who;
    struct list rooms;
    (void)arg;
    who_arg(s, e, &who);
    list_arg(e, 3, &rooms);
    answer_number(e, sio_sockets_leave(&who.target, rooms.items, rooms.count));
}

static void on_kick(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    struct who who;
    (void)arg;
    who_arg(s, e, &who);
    int rc = sio_disconnect_sockets(&who.target, number_arg(e, 3) != 0);
    answer_number(e, rc);
}

/* --- collected answers, sockets --- */

static void reply_text(struct sio_ack *kept, char *text)
{
    sio_ack_reply_later(kept, sio_args(text, strlen(text)));
    free(text);
}

static void on_answers(int rc, const struct sio_responses *r, void *arg)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fprintf(out, "%d,%zu,[", rc, r->expected);
    for (size_t i = 0; i < r->count; i++)
        fprintf(out, "%s%.*s", i ? "," : "", (int)r->answers[i].len, r->answers[i].ptr);
    fputs("]", out);
    fclose(out);
    reply_text(arg, text);
}

static void on_ask(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    struct who who;
    (void)arg;
    who_arg(s, e, &who);
    struct sio_ack *kept = sio_ack_keep(e->ack);
    int rc = sio_broadcast_ack(&who.target, "question", rest_arg(e, 4), (uint32_t)number_arg(e, 3),
                               on_answers, kept);
    if (rc < 0) {
        sio_ack_drop(kept);
        answer_number(e, rc);
    }
}

static void on_sockets(int rc, const struct sio_remote_socket *sockets, size_t count, void *arg)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fprintf(out, "%d,[", rc);
    for (size_t i = 0; i < count; i++) {
        const struct sio_remote_socket *r = &sockets[i];
        fprintf(out,
                "%s{\"id\":\"%.*s\",\"data\":%.*s,\"handshake\":%.*s,\"isLocal\":%s,\"rooms\":[",
                i ? "," : "", (int)r->id.len, r->id.ptr, (int)r->data_json.len, r->data_json.ptr,
                (int)r->handshake_json.len, r->handshake_json.ptr, r->local ? "true" : "false");
        for (size_t k = 0; k < r->room_count; k++)
            fprintf(out, "%s\"%.*s\"", k ? "," : "", (int)r->rooms[k].len, r->rooms[k].ptr);
        fputs("]}", out);
    }
    fputs("]", out);
    fclose(out);
    reply_text(arg, text);
}

static void on_fetch(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    struct who who;
    (void)arg;
    who_arg(s, e, &who);
    sio_fetch_sockets(&who.target, on_sockets, sio_ack_keep(e->ack));
}

/* --- between the servers --- */

static void on_server_side(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)arg;
    answer_number(e, sio_server_side_emit(sio_socket_namespace(s), "gossip", e->payload));
}

static void on_server_side_ack(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    char name[64];
    (void)arg;
    text_arg(e, 0, name, sizeof name);
    struct sio_ack *kept = sio_ack_keep(e->ack);
    int rc = sio_server_side_emit_ack(sio_socket_namespace(s), name, rest_arg(e, 2),
                                      (uint32_t)number_arg(e, 1), on_answers, kept);
    if (rc < 0) {
        sio_ack_drop(kept);
        answer_number(e, rc);
    }
}

/* Told to this server's own clients. */
static void on_gossip(struct sio_namespace *ns, const struct sio_event *e, void *arg)
{
    (void)arg;
    sio_broadcast(&(struct sio_target){.ns = ns, .flags = SIO_LOCAL}, "gossip", e->payload);
    if (e->ack)
        sio_ack_reply(e->ack, e->payload);
}

static void on_gossip_due(void *arg)
{
    sio_ack_reply_later(arg, SIO_ARGS("\"late\""));
}

static void on_late_gossip(struct sio_namespace *ns, const struct sio_event *e, void *arg)
{
    (void)arg;
    sio_server_call(sio_namespace_server(ns), 50, on_gossip_due, sio_ack_keep(e->ack));
}

/* The parent of the family /dyn-…: what it can and what it says it cannot. */
static void on_parent(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    struct sio_target t = {.ns = arg};
    (void)s;
    int cannot = sio_fetch_sockets(&t, on_sockets, NULL);
    int neither = sio_broadcast_ack(&t, "x", SIO_ARGS(""), 0, on_answers, NULL);
    int nor = sio_server_side_emit(t.ns, "x", SIO_ARGS(""));
    int can = sio_broadcast(&t, "news", SIO_ARGS("\"to the family\""));
    bool is_said =
        cannot == SIO_E_UNSUPPORTED && neither == SIO_E_UNSUPPORTED && nor == SIO_E_UNSUPPORTED;
    answer_number(e, is_said ? can : -1);
}

/* --- acknowledgements --- */

static void on_later_due(void *arg)
{
    sio_ack_reply_later(arg, SIO_ARGS("\"later\",{\"n\":1}"));
}

static void on_later(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)arg;
    sio_server_call(sio_namespace_server(sio_socket_namespace(s)), 50, on_later_due,
                    sio_ack_keep(e->ack));
}

static void on_never(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)s, (void)arg;
    sio_ack_drop(sio_ack_keep(e->ack));
}

static void on_twice(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)s, (void)arg;
    sio_ack_reply(e->ack, SIO_ARGS("1"));
    sio_ack_reply(e->ack, SIO_ARGS("2"));
}

static void on_own_answer(struct sio_socket *s, int rc, struct sio_payload answer, void *arg)
{
    char text[256];
    (void)arg;
    int n = snprintf(text, sizeof text, "%d%s%.*s", rc, answer.args.len ? "," : "",
                     (int)answer.args.len, answer.args.len ? answer.args.ptr : "");
    if (sio_socket_is_connected(s))
        sio_emit(s, "outcome", sio_args(text, (size_t)n), 0);
}

static void on_ask_me(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)arg;
    answer_number(e, sio_emit_ack(s, "question", SIO_ARGS("\"you\""), (uint32_t)number_arg(e, 0),
                                  on_own_answer, NULL));
}

/* --- the socket's own things --- */

static void on_destroy(void *data)
{
    state.destroyed++;
    free(data);
}

static void on_data(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    struct sio_str json;
    (void)arg;
    sio_socket_set_data(s, malloc(8), on_destroy);
    if (sio_args_get(e->payload, 0, &json))
        sio_socket_set_data_json(s, json);
    json = sio_socket_data(s) ? sio_socket_data_json(s) : SIO_STR("null");
    sio_ack_reply(e->ack, sio_args(json.ptr, json.len));
}

static void on_destroyed(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)s, (void)arg;
    answer_number(e, state.destroyed);
}

static void on_header(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    char name[64];
    (void)arg;
    text_arg(e, 0, name, sizeof name);
    struct sio_str value = sio_socket_header(s, name);
    answer_text(e, value.ptr ? value.ptr : "", value.len);
}

static void on_query(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    char name[64], value[64];
    (void)arg;
    text_arg(e, 0, name, sizeof name);
    int len = sio_socket_query(s, name, value, sizeof value);
    if (len < 0)
        answer_number(e, len);
    else
        answer_text(e, value, (size_t)len);
}

static void on_who(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    struct sio_namespace *ns = sio_socket_namespace(s);
    struct sio_str id = sio_socket_id(s), name = sio_namespace_name(ns);
    char text[512];
    (void)arg;
    int n = snprintf(text, sizeof text,
                     "{\"id\":\"%.*s\",\"transport\":\"%s\",\"protocol\":%d,\"namespace\":\"%.*s\","
                     "\"count\":%zu,\"clients\":%zu,\"isFound\":%s,\"isRecovered\":%s}",
                     (int)id.len, id.ptr, sio_socket_transport(s), sio_socket_protocol(s),
                     (int)name.len, name.ptr, sio_namespace_count(ns),
                     sio_server_clients(sio_namespace_server(ns)),
                     sio_namespace_find(ns, id) == s ? "true" : "false",
                     sio_socket_is_recovered(s) ? "true" : "false");
    sio_ack_reply(e->ack, sio_args(text, (size_t)n));
}

/* emits n times an event of so many bytes */
static void on_flood(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    size_t count = number_arg(e, 3), size = number_arg(e, 4);
    struct who who;
    int rc = 0;
    (void)arg;
    who_arg(s, e, &who);
    char *text = malloc(size + 2);
    memset(text, 'x', size + 2);
    text[0] = text[size + 1] = '"';
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = sio_broadcast(&who.target, "flood", sio_args(text, size + 2));
    free(text);
    answer_number(e, rc);
}

static void on_forbidden(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)s, (void)arg;
    answer_text(e, "must not be reached", 19);
}

static const char *guard(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)s, (void)arg;
    bool is_forbidden = e->name.len == 9 && memcmp(e->name.ptr, "forbidden", 9) == 0;
    return is_forbidden ? "not for you" : NULL;
}

static void on_any(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)s, (void)e, (void)arg;
    state.seen++;
}

static void on_seen(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)s, (void)arg;
    answer_number(e, state.seen);
}

static void on_error(struct sio_socket *s, const char *message, void *arg)
{
    (void)s, (void)arg;
    snprintf(state.last_error, sizeof state.last_error, "%s", message);
}

static void on_last_error(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)s, (void)arg;
    answer_text(e, state.last_error, strlen(state.last_error));
}

static void on_last_reason(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)s, (void)arg;
    answer_text(e, state.last_reason, strlen(state.last_reason));
}

static void on_error_code(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)s, (void)arg;
    answer_number(e, state.error_code);
}

static void on_other(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)s, (void)arg;
    answer_text(e, e->name.ptr, e->name.len);
}

/* --- connection middlewares: the first may take its time, the second sees what it left --- */

static bool auth_has(struct sio_socket *s, const char *word)
{
    struct sio_handshake h;
    sio_socket_handshake(s, &h);
    return memmem(h.auth.ptr, h.auth.len, word, strlen(word)) != NULL;
}

struct waiting {
    struct sio_socket *socket;
    struct sio_next *next;
};

static void go_on(void *arg)
{
    struct waiting *w = arg;
    if (auth_has(w->socket, "trace"))
        sio_socket_set_data_json(w->socket, SIO_STR("\"first\""));
    sio_next_ok(w->next);
    sio_socket_unref(w->socket);
    free(w);
}

static void use_first(struct sio_socket *s, struct sio_next *next, void *arg)
{
    struct waiting *w = malloc(sizeof *w);
    *w = (struct waiting){sio_socket_ref(s), next};
    if (auth_has(s, "slow"))
        sio_server_call(arg, 300, go_on, w);
    else
        go_on(w);
}

static void use_second(struct sio_socket *s, struct sio_next *next, void *arg)
{
    (void)arg;
    if (auth_has(s, "leave"))
        sio_leave(s, SIO_STR("r"));
    if (auth_has(s, "trace") && sio_socket_data_json(s).len != 7)
        sio_next_refuse(next, "the first has not run", SIO_STR(""));
    else if (auth_has(s, "refuse"))
        sio_next_refuse(next, "not you", SIO_STR("{\"code\":7,\"why\":[\"é\"]}"));
    else
        sio_next_ok(next);
}

static void on_connection(struct sio_socket *s, void *arg)
{
    (void)arg;
    if (auth_has(s, "hello"))
        sio_emit(s, "hello", SIO_ARGS("1"), 0);
}

/* --- what is refused before it is sent; rooms; metrics --- */

static void on_emit_raw(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    char name[64], args[256];
    size_t len = text_arg(e, 1, args, sizeof args);
    (void)arg;
    text_arg(e, 0, name, sizeof name);
    int rc = sio_emit(s, name, sio_args(args, len), 0);
    int all =
        sio_broadcast_room(sio_socket_namespace(s), sio_socket_id(s), name, sio_args(args, len));
    int ack = sio_emit_ack(s, name, sio_args(args, len), 1000, on_own_answer, NULL);
    answer_number(e, rc == all && rc == ack ? rc : -1000);
}

static void add_room(struct sio_str room, void *arg)
{
    FILE *out = arg;
    fprintf(out, ",\"%.*s\"", (int)room.len, room.ptr);
}

static void on_rooms(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    char room[64], *text;
    size_t len = text_arg(e, 0, room, sizeof room), size;
    FILE *out = open_memstream(&text, &size);
    (void)arg;
    fputs(sio_socket_is_in(s, (struct sio_str){room, len}) ? "true" : "false", out);
    sio_socket_each_room(s, add_room, out);
    fclose(out);
    sio_ack_reply(e->ack, sio_args(text, size));
    free(text);
}

static void on_known_rooms(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)s, (void)arg;
    answer_number(e, cluster_rooms());
}

static void on_metrics(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    static char text[64 << 10];
    (void)arg;
    struct sio_server *server = sio_namespace_server(sio_socket_namespace(s));
    int len = sio_server_metrics(server, text, sizeof text);
    bool is_small_refused = sio_server_metrics(server, text, 10) == SIO_E_TOO_BIG;
    answer_number(e, is_small_refused ? len : -1);
}

/* --- reentrancy: handlers that end what is just ending --- */

static void on_disconnecting(struct sio_socket *s, const char *reason, void *arg)
{
    struct sio_str json = sio_socket_data_json(s);
    (void)reason, (void)arg;
    if (json.len == 11 && memcmp(json.ptr, "\"leaves-ns\"", 11) == 0)
        sio_disconnect(s, false);
    else if (json.len == 12 && memcmp(json.ptr, "\"closes-all\"", 12) == 0)
        sio_disconnect(s, true);
    else if (json.len == 7 && memcmp(json.ptr, "\"drops\"", 7) == 0)
        sio_drop(s);
}

static void drop_everyone(struct sio_socket *s, void *arg)
{
    (void)arg;
    sio_disconnect(s, true);
}

static void on_disconnect(struct sio_socket *s, const char *reason, void *arg)
{
    struct sio_namespace *ns = sio_socket_namespace(s);
    struct sio_str json = sio_socket_data_json(s);
    (void)arg;
    snprintf(state.last_reason, sizeof state.last_reason, "%s", reason);
    if (strcmp(reason, "server shutting down") == 0)
        fprintf(stderr, "%s\n", reason); /* nobody can be asked any more */
    if (json.len == 14 && memcmp(json.ptr, "\"takes-others\"", 14) == 0) {
        sio_namespace_each(ns, drop_everyone, NULL);
        sio_namespace_each(sio_of(sio_namespace_server(ns), "/second"), drop_everyone, NULL);
    }
}

static const struct {
    const char *name;
    void (*fn)(struct sio_socket *s, const struct sio_event *e, void *arg);
} events[] = {
    {"join", on_join},
    {"leave", on_leave},
    {"to", on_to},
    {"ask", on_ask},
    {"fetch", on_fetch},
    {"server-side", on_server_side},
    {"server-side-ack", on_server_side_ack},
    {"sockets-join", on_sockets_join},
    {"sockets-leave", on_sockets_leave},
    {"kick", on_kick},
    {"emit-raw", on_emit_raw},
    {"rooms", on_rooms},
    {"metrics", on_metrics},
    {"known-rooms", on_known_rooms},
    {"later", on_later},
    {"never", on_never},
    {"twice", on_twice},
    {"ask-me", on_ask_me},
    {"data", on_data},
    {"destroyed", on_destroyed},
    {"header", on_header},
    {"query", on_query},
    {"who", on_who},
    {"flood", on_flood},
    {"forbidden", on_forbidden},
    {"seen", on_seen},
    {"last-error", on_last_error},
    {"last-reason", on_last_reason},
    {"error-code", on_error_code},
    {NULL, on_other},
};

static void serve(struct sio_namespace *ns)
{
    sio_use(ns, use_first, sio_namespace_server(ns));
    sio_use(ns, use_second, NULL);
    sio_on_connection(ns, on_connection, NULL);
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        sio_on(ns, events[i].name, events[i].fn, NULL);
    sio_on_server_side(ns, "gossip", on_gossip, NULL);
    sio_on_server_side(ns, "late gossip", on_late_gossip, NULL);
    sio_on_any(ns, on_any, NULL);
    sio_use_event(ns, guard, NULL);
    sio_on_error(ns, on_error, NULL);
    sio_on_disconnecting(ns, on_disconnecting, NULL);
    sio_on_disconnect(ns, on_disconnect, NULL);
}

static bool is_family(struct sio_str name, void *arg)
{
    (void)arg;
    return name.len > 5 && memcmp(name.ptr, "/dyn-", 5) == 0;
}

/* --- options --- */

static bool allow_request(struct sio_str path, struct sio_str query, struct sio_str headers,
                          const char *address, const char **out_message, void *arg)
{
    (void)path, (void)headers, (void)address, (void)arg;
    *out_message = "not today";
    return !memmem(query.ptr, query.len, "deny=1", 6);
}

static void on_connection_error(int code, const char *message, const char *address, void *arg)
{
    (void)message, (void)address, (void)arg;
    state.error_code = code;
}

static struct sio_server_opts opts = {
    .allow_eio3 = true, .allow_request = allow_request, .on_connection_error = on_connection_error};
static bool is_cluster;

enum kind { FLAG, U32, SIZE, TEXT };
static const struct {
    const char *name;
    enum kind kind;
    void *target;
} options[] = {
    {"cluster", FLAG, &is_cluster},
    {"msgpack", FLAG, &opts.use_msgpack},
    {"deflate", FLAG, &opts.per_message_deflate},
    {"upgrade-off", FLAG, &opts.is_upgrade_off},
    {"uring", FLAG, &opts.use_io_uring},
    {"recovery-use", FLAG, &opts.recovery_runs_middlewares},
    {"recovery-packets", SIZE, &opts.recovery_max_packets},
    {"cors", TEXT, &opts.cors_origins},
    {"cors-credentials", FLAG, &opts.cors_credentials},
    {"cors-headers", TEXT, &opts.cors_allowed_headers},
    {"cors-exposed", TEXT, &opts.cors_exposed_headers},
    {"cors-age", U32, &opts.cors_max_age_s},
    {"cors-guard", FLAG, &opts.cors_guards_websocket},
    {"compress-from", SIZE, &opts.http_compression_bytes},
    {"upgrade-timeout", U32, &opts.upgrade_timeout_ms},
    {"ping-interval", U32, &opts.ping_interval_ms},
    {"ping-timeout", U32, &opts.ping_timeout_ms},
    {"connect-timeout", U32, &opts.connect_timeout_ms},
    {"recovery", U32, &opts.recovery_ms},
    {"handshakes", U32, &opts.max_handshakes_per_s},
    {"slow", U32, &opts.slow_policy},
    {"transports", U32, &opts.transports},
    {"max-payload", SIZE, &opts.max_payload_bytes},
    {"max-connections", SIZE, &opts.max_connections},
    {"max-per-ip", SIZE, &opts.max_connections_per_ip},
    {"max-rooms", SIZE, &opts.max_rooms_per_socket},
    {"max-namespaces", SIZE, &opts.max_namespaces_per_connection},
    {"max-attachments", SIZE, &opts.max_attachments},
    {"max-attachment-bytes", SIZE, &opts.max_attachment_bytes},
    {"max-acks", SIZE, &opts.max_pending_acks},
    {"max-queue", SIZE, &opts.max_send_queue_bytes},
    {"client", TEXT, &opts.client_dir},
    {"path", TEXT, &opts.path},
    {"cookie", TEXT, &opts.cookie_name},
    {"cookie-attributes", TEXT, &opts.cookie_attributes},
    {"static", TEXT, &opts.static_dir},
    {"cert", TEXT, &opts.tls_cert},
    {"key", TEXT, &opts.tls_key},
};

static bool option(const char *word)
{
    const char *eq = strchr(word, '=');
    for (size_t i = 0; eq && i < sizeof options / sizeof options[0]; i++) {
        size_t len = (size_t)(eq - word);
        unsigned long value = strtoul(eq + 1, NULL, 10);
        if (strlen(options[i].name) != len || memcmp(options[i].name, word, len) != 0)
            continue;
        if (options[i].kind == FLAG)
            *(bool *)options[i].target = value != 0;
        else if (options[i].kind == U32)
            *(uint32_t *)options[i].target = (uint32_t)value;
        else if (options[i].kind == SIZE)
            *(size_t *)options[i].target = value;
        else
            *(const char **)options[i].target = eq + 1;
        return true;
    }
    return false;
}

static struct sio_server *open_server(uint16_t *out_port)
{
    struct sio_server *server;
    int rc = sio_server_new(&opts, &server);
    if (rc == 0)
        rc = sio_server_listen(server, "127.0.0.1", 0, out_port);
    if (rc < 0) {
        fprintf(stderr, "cannot start: %s\n", sio_strerror(rc));
        exit(1);
    }
    serve(sio_of(server, "/"));
    serve(sio_of(server, "second")); /* the slash is optional */
    struct sio_namespace *family = sio_of_dynamic(server, is_family, NULL, true);
    serve(family);
    sio_on(sio_of(server, "/"), "parent", on_parent, family);
    return server;
}

static void *run(void *server)
{
    sio_server_run(server);
    return NULL;
}

int main(int argc, char **argv)
{
    uint16_t port, other_port = 0;
    struct sio_server *other = NULL;
    pthread_t thread;
    for (int i = 1; i < argc; i++) {
        if (!option(argv[i])) {
            fprintf(stderr, "unknown option %s\n", argv[i]);
            return 2;
        }
    }
    struct sio_server *server = open_server(&port);
    if (is_cluster) {
        other = open_server(&other_port);
        cluster_join(server, other);
        pthread_create(&thread, NULL, run, other);
    }
    sio_server_close_on_signals(server, 2000);
    printf("{\"ready\":true,\"main\":%u,\"other\":%u}\n", port, other_port);
    fflush(stdout);
    sio_server_run(server);
    if (other) {
        sio_server_close(other, 2000);
        pthread_join(thread, NULL);
        sio_server_free(other);
    }
    sio_server_free(server);
    return 0;
}
