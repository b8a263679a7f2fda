/* Keys that many JSON answers share. */
#ifndef WB_JSON_KEYS_H
#define WB_JSON_KEYS_H

#include "base/json_write.h"

/* A page of the lists that count pages. limit 0: all rows. */
struct wb_page {
    int64_t page, limit, offset;
};

/* Total number of pages of `limit` rows; 1 when there are no rows. */
int64_t wb_pages(int64_t total, int64_t limit);

/* The key with the time as ISO-8601, or with null when ms is 0. */
void wb_key_time_or_null(struct bx_json_writer *w, const char *key, int64_t ms);
/* The key with the text, or with null when s.ptr is NULL. */
void wb_key_str_or_null(struct bx_json_writer *w, const char *key, struct bx_str s);

#endif
