/* Shapes of JSON objects as tables: one row per field. The same rows check a request, describe it
 * in OpenAPI and AsyncAPI, and say which field was wrong.
 */
#ifndef WB_SCHEMA_H
#define WB_SCHEMA_H

#include "base/json_write.h"

#include <jansson.h>

enum wb_type {
    WB_END, /* ends a table */
    WB_STR,
    WB_INT,
    WB_NUM, /* any number; answers only */
    WB_BOOL,
    WB_TRUE,  /* the literal true (`success`) */
    WB_FALSE, /* the literal false */
    WB_TIME,  /* ISO-8601 text */
    WB_UUID,
    WB_EMAIL,
    WB_URI,
    WB_ENUM, /* choices "A|B" */
    WB_REF,  /* an object of the schema `ref` */
    WB_LIST, /* an array: of `ref`, or of plain `item` values */
    WB_ANY   /* an object with members that are not described here */
};

#define WB_INT_MAX INT64_C(9007199254740991) /* the largest that every JSON reader keeps */

enum wb_field_flag {
    WB_REQUIRED = 1, /* must be there; in an answer: always is */
    WB_NULLABLE = 2,
    WB_SECRET = 4,  /* a password or key: shown as such in documents, never echoed */
    WB_BLANK_OK = 8 /* a text of nothing but spaces is fine */
};

struct wb_schema;

struct wb_field {
    const char *name;
    enum wb_type type;
    unsigned flags;
    int64_t min, max;    /* INT: value; STR: characters; LIST: items. Both 0: not checked */
    const char *choices; /* ENUM */
    const struct wb_schema *ref;
    enum wb_type item;    /* LIST without ref */
    const char *alias;    /* another name clients use for the field */
    const char *message;  /* what a person reads when it is wrong; NULL: made from the row */
    const char *help;     /* description in documents */
    const char *fallback; /* documented default, as JSON */
};

struct wb_schema {
    const char *name;              /* of components/schemas; NULL: written in place */
    const struct wb_field *fields; /* up to WB_END */
    const char *help;
    const char *choices; /* a named text type "A|B" instead of an object; fields is NULL then */
    bool is_partial;     /* an update: no field is required, at least one must be there */
    bool is_open;        /* further members may follow (objects we pass through) */
};

/* BX_OK, or BX_E_INVALID: `message` says what is wrong and *out_field (static) which field. */
int wb_schema_check(const struct wb_schema *schema, const json_t *object, struct bx_buf *message,
                    const char **out_field);

/* JSON Schema of the table (draft 2020-12): a $ref when it has a name, else in place. */
void wb_schema_write(struct bx_json_writer *w, const struct wb_schema *schema);
/* The definition itself, whatever its name. */
void wb_schema_write_body(struct bx_json_writer *w, const struct wb_schema *schema);
void wb_field_write(struct bx_json_writer *w, const struct wb_field *field);

/* Every named schema reachable from `schema`, itself first, each once per set. */
struct wb_schema_set {
    const struct wb_schema *list[160];
    size_t count;
};
void wb_schema_collect(struct wb_schema_set *set, const struct wb_schema *schema);
/* The member "schemas" of a document's components. */
void wb_schema_set_write(struct bx_json_writer *w, const struct wb_schema_set *set);

/* Reading checked bodies. Absent fields give the fallback. */
struct bx_str wb_json_str(const json_t *body, const char *name); /* ptr NULL when absent */
int64_t wb_json_int(const json_t *body, const char *name, int64_t fallback);
bool wb_json_bool(const json_t *body, const char *name, bool fallback);

#endif
