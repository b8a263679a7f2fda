/* Bodies and payloads from outside, as trees. */
#ifndef WB_JSON_LOAD_H
#define WB_JSON_LOAD_H

#include "base/str.h"

#include <jansson.h>

/* As json_loadb, but a NUL in a text (\\u0000) becomes U+FFFD, since C strings on the way would end
 * there. Returns the tree or NULL, then `error` is filled in. */
json_t *wb_json_load(struct bx_str text, size_t flags, json_error_t *error);

/* What is wrong with a text that wb_json_load refused, for a person: "%s" takes it. Static. */
const char *wb_json_fault(struct bx_str text);

#endif
