/* API.md from the tables: what holds for every call, the calls by resource, the events, and every
 * object that they name. Nothing that a table knows is written by hand.
 */
#include "app/api/api_md.h"

#include "app/core/schema.h"
#include "app/realtime/events.h"
#include "app/views/shapes.h"
#include "base/buf.h"

#include <stdio.h>
#include <string.h>

static const char *const types[] = {
    [WB_STR] = "text",     [WB_INT] = "integer",   [WB_NUM] = "number",  [WB_BOOL] = "boolean",
    [WB_TRUE] = "`true`",  [WB_FALSE] = "`false`", [WB_TIME] = "time",   [WB_UUID] = "UUID",
    [WB_EMAIL] = "e-mail", [WB_URI] = "URI",       [WB_ENUM] = "one of", [WB_REF] = "object",
    [WB_LIST] = "list of", [WB_ANY] = "object"};

static void write_choices(struct bx_buf *out, const char *choices)
{
    struct bx_str rest = bx_str(choices), one;
    while (bx_str_split(&rest, '|', &one))
        bx_buf_printf(out, " `%.*s`", BX_STR_ARG(one));
}

/* [Name](#name); an object without a name is described in place. */
static void write_link(struct bx_buf *out, const struct wb_schema *schema)
{
    if (!schema->name) {
        bx_buf_lit(out, "object {");
        for (const struct wb_field *f = schema->fields; f && f->type != WB_END; f++)
            bx_buf_printf(out, "%s`%s`%s", f == schema->fields ? "" : ", ", f->name,
                          f->flags & WB_REQUIRED ? "" : "?");
        bx_buf_lit(out, "}");
        return;
    }
    bx_buf_printf(out, "[%s](#", schema->name);
    for (const char *c = schema->name; *c; c++)
        bx_buf_byte(out, (uint8_t)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c));
    bx_buf_lit(out, ")");
}

static void write_type(struct bx_buf *out, const struct wb_field *f)
{
    bool is_list = f->type == WB_LIST;
    if (f->ref && is_list)
        bx_buf_lit(out, "list of ");
    if (f->ref)
        write_link(out, f->ref);
    else
        bx_buf_printf(out, "%s%s%s", types[f->type], is_list ? " " : "",
                      is_list ? types[f->item] : "");
    if (f->choices)
        write_choices(out, f->choices);
    if (f->flags & WB_NULLABLE)
        bx_buf_lit(out, " or `null`");
    bool is_length = f->type == WB_STR, is_count = is_list;
    if (f->max || f->min)
        bx_buf_printf(out, ", %lld to %lld%s", (long long)f->min, (long long)f->max,
                      is_length  ? " characters"
                      : is_count ? " items"
                                 : "");
    if (f->fallback)
        bx_buf_printf(out, ", default `%s`", f->fallback);
}

static void write_fields(struct bx_buf *out, const struct wb_schema *schema)
{
    bx_buf_lit(out, "\n| field | type | |\n|---|---|---|\n");
    for (const struct wb_field *f = schema->fields; f->type != WB_END; f++) {
        bool is_optional = !(f->flags & WB_REQUIRED) || schema->is_partial;
        bx_buf_printf(out, "| `%s`%s%s%s%s | ", f->name, f->alias ? " or `" : "",
                      f->alias ? f->alias : "", f->alias ? "`" : "", is_optional ? " ?" : "");
        write_type(out, f);
        bx_buf_printf(out, " | %s |\n", f->help ? f->help : "");
    }
}

/* A sentence: tables write summaries with and without an end. */
static void write_sentence(struct bx_buf *out, const char *text)
{
    size_t len = strlen(text);
    bool has_end = len && strchr(".?!", text[len - 1]);
    bx_buf_printf(out, "%s%s", text, has_end ? "" : ".");
}

static void write_part(struct bx_buf *out, const char *title, const struct wb_schema *schema)
{
    if (!schema)
        return;
    bx_buf_printf(out, "\n%s:\n", title);
    if (schema->fields)
        write_fields(out, schema);
    if (schema->is_open)
        bx_buf_lit(out, "\nFurther members follow.\n");
}

/* --- calls --- */

static const char *const access_sentences[WB_ACCESS_RULES] = {
    [WB_PUBLIC] = "No login.",
    [WB_USER] = "Any user.",
    [WB_ADMIN] = "ADMIN only.",
    [WB_ADMIN_OF_NUMBER] = "ADMIN only.",
    [WB_ADMIN_OF_SESSION] = "ADMIN only.",
    [WB_OF_NUMBER] = "Needs the permission for the number.",
    [WB_OF_CHAT] = "Needs the permission for the chat's number.",
    [WB_OF_SESSION] = "Needs the permission for the session's number.",
    [WB_OF_MESSAGE] = "Needs the permission for the message's number.",
    [WB_OF_CONTACT] = "Needs the permission for the contact's number.",
};

static const char *scope_sentence(unsigned scope)
{
    return scope & 0x80u             ? "Not for API keys."
           : scope & ST_SCOPE_MANAGE ? "API key scope: `manage`."
           : scope & ST_SCOPE_SEND   ? "API key scope: `send`."
           : scope & ST_SCOPE_READ   ? "API key scope: `read`."
                                     : "";
}

static void write_call(struct bx_buf *out, const struct wb_route *r, struct bx_arena *arena)
{
    struct bx_str path = wb_route_path(r, arena);
    bx_buf_printf(out, "\n### `%s %.*s`\n\n", wb_method_name(r->method), BX_STR_ARG(path));
    write_sentence(out, r->summary);
    bx_buf_printf(out, " %s %s\n", access_sentences[r->access],
                  r->access == WB_PUBLIC ? "" : scope_sentence(r->scope));
    if (r->flags & WB_IDEMPOTENT)
        bx_buf_lit(out, "Takes an `Idempotency-Key`, see above.\n");
    write_part(out, "Query", r->query);
    write_part(out, r->flags & WB_BODY_OPTIONAL ? "Body (may be left out)" : "Body", r->body);
    char title[32];
    snprintf(title, sizeof title, "Answer (%d)", r->status ? r->status : 200);
    write_part(out, title, r->answer);
    if (r->flags & WB_NOT_JSON)
        bx_buf_printf(out, "\nThe answer (%d) is not JSON.\n", r->status ? r->status : 200);
}

static void write_calls(struct bx_buf *out, const struct wb_route_list *routes)
{
    struct bx_arena arena;
    const char *tag = "";
    bx_arena_init(&arena, 0);
    for (size_t i = 0; i < routes->count; i++) {
        const struct wb_route *r = &routes->rows[i];
        if (r->flags & WB_ALIAS)
            continue;
        if (strcmp(tag, r->tag) != 0)
            bx_buf_printf(out, "\n## %s\n", r->tag);
        tag = r->tag;
        write_call(out, r, &arena);
    }
    bx_arena_done(&arena);
}

/* --- events --- */

static const char *const rule_sentences[] = {
    [WB_MAY_ANY] = "Any user.",
    [WB_MAY_NUMBER] = "Needs the permission for the number.",
    [WB_MAY_CHAT] = "Needs the permission for the chat's number.",
    [WB_MAY_SEND] = "Needs the permission for the number; an API key needs the scope `send`.",
};

static void write_event(struct bx_buf *out, const struct wb_event *e)
{
    bx_buf_printf(out, "\n### `%s`\n\n", e->name);
    write_sentence(out, e->summary);
    if (e->direction == WB_EVENT_IN)
        bx_buf_printf(out, " %s\n", rule_sentences[e->rule]);
    else
        bx_buf_printf(out, " Goes to: %s.\n", e->room);
    if (e->payload)
        write_part(out, "Payload", e->payload);
    else
        bx_buf_lit(out, "\nPayload: one number.\n");
    write_part(out, "`data` of the acknowledgement", e->ack);
}

static void write_events(struct bx_buf *out, enum wb_event_direction direction, const char *title)
{
    bx_buf_printf(out, "\n## %s\n", title);
    for (size_t i = 0; i < wb_event_count; i++) {
        if (wb_events[i].direction == direction)
            write_event(out, &wb_events[i]);
    }
}

/* --- objects --- */

/* What the fields name; the schema itself stands where it is used. */
static void collect(struct wb_schema_set *set, const struct wb_schema *schema)
{
    for (const struct wb_field *f = schema ? schema->fields : NULL; f && f->type != WB_END; f++) {
        if (f->ref && f->ref->name)
            wb_schema_collect(set, f->ref);
        else
            collect(set, f->ref);
    }
}

static void write_objects(struct bx_buf *out, const struct wb_route_list *routes)
{
    static struct wb_schema_set set;
    set.count = 0;
    wb_schema_collect(&set, &wb_error_shape);
    for (size_t i = 0; i < routes->count; i++) {
        collect(&set, routes->rows[i].body);
        collect(&set, routes->rows[i].answer);
    }
    for (size_t i = 0; i < wb_event_count; i++) {
        collect(&set, wb_events[i].payload);
        collect(&set, wb_events[i].ack);
    }
    bx_buf_lit(out, "\n# Objects\n");
    for (size_t i = 0; i < set.count; i++) {
        const struct wb_schema *s = set.list[i];
        bx_buf_printf(out, "\n### %s\n\n", s->name);
        if (s->help)
            write_sentence(out, s->help);
        if (s->choices) {
            bx_buf_printf(out, "%sOne of", s->help ? " " : "");
            write_choices(out, s->choices);
            bx_buf_lit(out, ".");
        }
        bx_buf_lit(out, "\n");
        if (s->fields)
            write_fields(out, s);
        if (s->is_open)
            bx_buf_lit(out, "\nFurther members follow.\n");
    }
}

/* --- what holds for every call --- */

static void write_introduction(struct bx_buf *out)
{
    bx_buf_lit(
        out,
        "# WaBox API\n\n"
        "Generated by `waboxd --api-md` from the tables of calls and events; do not edit. The same "
        "tables give OpenAPI 3.1 (`/api/docs.json`), AsyncAPI 3.0 (`/api/asyncapi.json`) and a "
        "Postman collection (`/api/postman.json`); `/api/docs` is a page to try calls. "
        "[@wabox/client](../clients/js/README.md) has the events with types.\n\n"
        "In tables, `?` marks a field that may be left out, in an answer one that may be missing. "
        "Times are ISO 8601 in UTC.\n\n"
        "## Authentication\n\n"
        "- A person: `POST /api/v1/auth/login` gives `token`; send it as `Authorization: Bearer "
        "TOKEN`. It expires after `JWT_EXPIRES_IN`; logging out, another password and "
        "deactivation revoke it.\n"
        "- A program: an API key (`POST /api/v1/api-keys`, ADMIN), sent as `X-Api-Key: KEY`. Its "
        "scopes are `read`, `send` and `manage`; it may be bound to numbers. The key is shown "
        "once.\n"
        "- A socket: Socket.IO with `auth: {token}` or `auth: {apiKey}`. A refusal is a "
        "`connect_error` whose message begins with `Authentication error:` and whose `data.code` "
        "is `TOKEN_MISSING`, `TOKEN_INVALID`, `TOKEN_EXPIRED` or `TOKEN_REVOKED`.\n"
        "- An ADMIN may do everything. A USER sees and uses the numbers he has a permission for "
        "(`/api/v1/wapermission`); something of another number is answered like something that "
        "does not exist.\n\n"
        "## Where ids come from\n\n"
        "`GET /api/v1/whatsapp` lists the numbers with their `id`. "
        "`GET /api/v1/sessions/{whatsappNumberId}` gives the session of a number: its `id` is the "
        "`sessionId` of sending. A chat's `id` stands in `GET /api/v1/chats/{whatsappNumberId}` "
        "and in `message:new`.\n\n"
        "## Errors\n\n"
        "A failed call answers with a status and an [Error](#error): `message` is a sentence for "
        "a person, `details` names the field, line or allowed values where there are any.\n\n"
        "| status | meaning, and what to do |\n|---|---|\n"
        "| 400 | A field, parameter or the JSON is wrong; `message` says which. |\n"
        "| 401 | No login, or it ended: log in again. |\n"
        "| 403 | Not permitted to this user or key. |\n"
        "| 404 | There is no such thing, or it belongs to a number without permission. |\n"
        "| 405 | The address has other methods, see `Allow`. |\n"
        "| 409 | It contradicts what is there: a duplicate, or a number that is logged out. |\n"
        "| 413, 414, 431 | Body, address or headers are too large. |\n"
        "| 415 | The body must be `application/json`. |\n"
        "| 422 | The `Idempotency-Key` was used with another body. |\n"
        "| 429 | Too many calls: wait for `Retry-After` seconds. |\n"
        "| 500, 503 | The server or its disk failed; try again, idempotent calls safely. |\n\n"
        "A client event is acknowledged with `{success: true, data}` or `{success: false, message, "
        "code, retryAfterMs?}`; without a callback a failure is the event `error`. `code` is "
        "`INVALID`, `UNAUTHORIZED`, `NOT_FOUND`, `CONFLICT`, `LOGGED_OUT`, `RATE_LIMITED`, "
        "`UNKNOWN_EVENT` or `UNAVAILABLE`.\n\n"
        "## Limits\n\n"
        "Each is a setting of the server ([OPERATING.md](OPERATING.md)); the answer is 429 unless "
        "said otherwise.\n\n"
        "| setting | what it limits |\n|---|---|\n"
        "| `RATE_PER_SECOND`, `RATE_BURST` | calls of a user or key |\n"
        "| `RATE_IP_PER_SECOND` | calls without a login from one address |\n"
        "| `LOGIN_PER_ACCOUNT`, `LOGIN_PER_IP`, `LOGIN_WINDOW` | failed logins |\n"
        "| `SOCKET_RATE_PER_SECOND` | events of a socket and of a user: `RATE_LIMITED` with "
        "`retryAfterMs`, and a disconnect when it goes on |\n"
        "| `MAX_BODY` | the JSON body: 413 |\n"
        "| `MAX_CONNECTIONS`, `MAX_CONNECTIONS_PER_IP` | open connections |\n\n"
        "A message has at most 65,536 characters.\n\n"
        "## Doing a thing once\n\n"
        "Calls that say so take the header `Idempotency-Key` (1 to 255 characters; `clientId` in "
        "the body or event is the same). The same key with the same body gets the first answer "
        "again and sends nothing twice; keys are remembered for `IDEMPOTENCY_RETENTION`.\n\n"
        "## Missing nothing\n\n"
        "Events of a number carry `seq`, which counts up without holes. Connect with `auth: "
        "{token, resume: {\"NUMBER_ID\": LAST_SEQ}}` and every later event comes first, in order; "
        "`resync` says that the log does not reach back that far, and to load the lists again. "
        "`GET /api/v1/numbers/{id}/events` reads the same log.\n\n"
        "# REST\n");
}

int wb_api_md_write(const struct wb_route_list *routes, struct bx_buf *out)
{
    write_introduction(out);
    write_calls(out, routes);
    bx_buf_lit(out, "\n# Events\n");
    write_events(out, WB_EVENT_IN, "Client to server");
    write_events(out, WB_EVENT_OUT, "Server to client");
    write_objects(out, routes);
    return BX_OK;
}
