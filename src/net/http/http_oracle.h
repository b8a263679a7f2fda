/* libhttp-parser behind names of its own (its header and ours both define enum http_method). Test
 * only. */
#ifndef HTTP_ORACLE_H
#define HTTP_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORACLE_HEADERS = 32, ORACLE_TEXT = 2048, ORACLE_BODY = 4096 };

struct oracle {
    bool is_accepted, is_keep_alive, is_chunked, is_complete;
    uint64_t content_length; /* UINT64_MAX: none */
    char method[32], url[ORACLE_TEXT];
    struct {
        char name[ORACLE_TEXT], value[ORACLE_TEXT];
    } headers[ORACLE_HEADERS];
    size_t header_count;
    char body[ORACLE_BODY];
    size_t body_len;
};

/* One request from the front of text. */
void oracle_parse(const char *text, size_t len, struct oracle *out);

#endif
