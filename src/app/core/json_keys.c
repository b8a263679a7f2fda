#include "app/core/json_keys.h"

int64_t wb_pages(int64_t total, int64_t limit)
{
    return total <= 0 ? 1 : (total + limit - 1) / limit;
}

void wb_key_time_or_null(struct bx_json_writer *w, const char *key, int64_t ms)
{
    if (ms)
        bx_json_key_time(w, key, ms);
    else
        bx_json_key_null(w, key);
}

void wb_key_str_or_null(struct bx_json_writer *w, const char *key, struct bx_str s)
{
    if (s.ptr)
        bx_json_key_str(w, key, s);
    else
        bx_json_key_null(w, key);
}
