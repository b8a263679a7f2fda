/* The admin API (docs/SIMULATOR.md) from inside: one file per subject, each with its own rows of
 * the route table. A handler answers once, at once or (code_entered) later.
 */
#ifndef SIM_ADMIN_H
#define SIM_ADMIN_H

#include "net/http/http_server.h"
#include "sim/core/types.h"

enum { SIM_CALL_SEGMENTS = 6 };

struct sim_call {
    struct sim *sim;
    struct http_exchange *x;
    const struct http_request *r;
    struct bx_arena *arena;
    struct bx_str segments[SIM_CALL_SEGMENTS];
    size_t segment_count;
    json_t *body;                /* an object, never NULL */
    struct sim_account *account; /* of /admin/phone/P/… */
    struct sim_group *group;     /* of /admin/group/G/… */
};

/* In a path, P is a phone, G a group, V one of add, remove, promote and demote. The last row of a
 * table has no path. */
struct sim_call_row {
    const char *method, *path;
    void (*fn)(struct sim_call *c);
};

extern const struct sim_call_row sim_calls_link[], sim_calls_phones[], sim_calls_history[],
    sim_calls_groups[], sim_calls_trouble[], sim_calls_settings[], sim_calls_load[];

/* {"ok":true,…}; takes fields, NULL: none. */
void sim_call_ok(struct sim_call *c, json_t *fields);
/* {"ok":false,"error":sentence} */
void sim_call_fail(struct sim_call *c, int status, const char *sentence);

/* A field of the body; NULL, or an empty string with NULL, when it is not there or no string. */
const char *sim_call_text(const struct sim_call *c, const char *key);
struct bx_str sim_call_str(const struct sim_call *c, const char *key);
int64_t sim_call_int(const struct sim_call *c, const char *key);
/* A field of the query, decoded; empty when it is not there. */
struct bx_str sim_call_query(struct sim_call *c, const char *name);
/* False, and answered 400, when the body has another field. allowed: names with blanks between. */
bool sim_call_only(struct sim_call *c, const char *allowed);

/* False, and answered 400, when the field is there and is none of those words (blanks between). */
bool sim_call_choice(struct sim_call *c, const char *key, const char *words);

/* Digits or JID of a person, made on demand; NULL: neither. */
struct sim_account *sim_call_person(struct sim_call *c, const char *who);

struct sim_call_chat {
    struct sim_account *person;
    struct sim_group *group;
};
/* False, and answered, when the field names no chat. */
bool sim_call_chat(struct sim_call *c, const char *key, struct sim_call_chat *out);

/* Answers a request under /admin/. */
void sim_admin_handle(struct sim *sim, struct http_exchange *x);

#endif
