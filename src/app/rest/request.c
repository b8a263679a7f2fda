#include "app/rest/request.h"

#include "app/rest/route.h"
#include "base/err.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

__attribute__((format(printf, 2, 0))) static struct bx_str format(struct wb_request *rq,
                                                                  const char *fmt, va_list args)
{
    char text[512];
    int len = vsnprintf(text, sizeof text, fmt, args);
    size_t used = len < 0 ? 0 : (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    return bx_arena_str(&rq->arena, bx_str_n(text, used));
}

int wb_fail(struct wb_request *rq, int rc, const char *fmt, ...)
{
    /* What the environment did is told in the table's words, not as "not found". */
    if (bx_err_info(rc)->http_status >= 500)
        return rc;
    va_list args;
    va_start(args, fmt);
    rq->message = format(rq, fmt, args);
    va_end(args);
    return rc;
}

int wb_fail_status(struct wb_request *rq, int status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    rq->message = format(rq, fmt, args);
    va_end(args);
    rq->status = status;
    return BX_E_INVALID;
}

int wb_fail_field(struct wb_request *rq, const char *field, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    rq->message = format(rq, fmt, args);
    va_end(args);
    rq->details = bx_arena_printf(&rq->arena, "{\"field\":\"%s\"}", field);
    return BX_E_INVALID;
}

void wb_answer_open(struct wb_request *rq, const char *message)
{
    bx_json_object(&rq->w);
    bx_json_key_bool(&rq->w, "success", true);
    bx_json_key_cstr(&rq->w, "message", message);
}

void wb_answer_open_plain(struct wb_request *rq, const char *message)
{
    bx_json_object(&rq->w);
    bx_json_key_cstr(&rq->w, "message", message);
}

void wb_answer_data(struct wb_request *rq, const char *message)
{
    wb_answer_open(rq, message);
    bx_json_key(&rq->w, "data");
}

int wb_answer_end(struct wb_request *rq)
{
    bx_json_end(&rq->w);
    return bx_json_writer_rc(&rq->w);
}

/* --- query --- */

struct bx_str wb_query_str(struct wb_request *rq, const char *name)
{
    struct bx_str raw, out;
    if (!http_query_get(rq->query, bx_str(name), &raw) ||
        http_url_decode(&rq->arena, raw, true, &out) < 0)
        return (struct bx_str){0};
    return bx_str_trim(bx_utf8_repair_str(out, &rq->arena));
}

int64_t wb_query_int(struct wb_request *rq, const char *name, int64_t min, int64_t max,
                     int64_t fallback)
{
    struct bx_str text = wb_query_str(rq, name);
    if (!text.ptr || text.len == 0)
        return fallback;
    bool is_negative = text.ptr[0] == '-';
    uint64_t number;
    int rc = bx_str_u64(is_negative ? bx_str_slice(text, 1, text.len) : text, INT64_MAX, &number);
    if (rc == BX_E_TOO_BIG)
        return is_negative ? min : max;
    if (rc < 0)
        return fallback;
    int64_t value = is_negative ? -(int64_t)number : (int64_t)number;
    return value < min ? min : value > max ? max : value;
}

int wb_query_bool(struct wb_request *rq, const char *name)
{
    struct bx_str text = wb_query_str(rq, name);
    if (bx_str_ieq(text, BX_STR("true")) || bx_str_is(text, "1"))
        return 1;
    if (bx_str_ieq(text, BX_STR("false")) || bx_str_is(text, "0"))
        return 0;
    return -1;
}

int wb_query_choice(struct wb_request *rq, const char *name, const char *choices, int *out)
{
    struct bx_str text = wb_query_str(rq, name), rest = bx_str(choices), choice;
    *out = -1;
    if (!text.ptr || text.len == 0)
        return BX_OK;
    for (int i = 0; bx_str_split(&rest, '|', &choice); i++) {
        if (bx_str_ieq(choice, text))
            return *out = i, BX_OK;
    }
    char listed[256];
    size_t len = 0;
    for (const char *c = choices; *c && len + 3 < sizeof listed; c++) {
        listed[len++] = *c == '|' ? ',' : *c;
        if (*c == '|')
            listed[len++] = ' ';
    }
    listed[len] = '\0';
    return wb_fail_field(rq, name, "%s must be one of: %s", name, listed);
}

struct wb_page wb_query_page(struct wb_request *rq, int64_t default_limit)
{
    struct wb_page p = {.page = wb_query_int(rq, "page", 1, WB_PAGE_MAX, 1),
                        .limit = wb_query_int(rq, "limit", 1, WB_LIMIT_MAX, default_limit)};
    p.offset = (p.page - 1) * p.limit;
    return p;
}

int wb_query_sort(struct wb_request *rq, const char *choices, int fallback, int *out_index,
                  bool default_descending, bool *out_is_descending)
{
    int rc = wb_query_choice(rq, "sortBy", choices, out_index);
    if (rc < 0)
        return rc;
    if (*out_index < 0)
        *out_index = fallback;
    struct bx_str order = wb_query_str(rq, "sortOrder");
    *out_is_descending = bx_str_ieq(order, BX_STR("desc"))  ? true
                         : bx_str_ieq(order, BX_STR("asc")) ? false
                                                            : default_descending;
    return BX_OK;
}
