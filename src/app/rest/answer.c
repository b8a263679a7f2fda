#include "app/rest/answer.h"

#include "app/rest/route.h"
#include "app/views/error_code.h"
#include "base/err.h"

#include <stdio.h>

#define JSON "application/json; charset=utf-8"

/* {"success":false,"error":reason,"code":…,"message":…,"details":…?} */
static void error_write(struct bx_buf *out, int status, struct bx_str message,
                        struct bx_str details)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    const char *code = wb_error_code(status, bx_arena_strndup(&arena, message.ptr, message.len));
    bx_arena_done(&arena);
    struct bx_json_writer w;
    bx_json_writer_init(&w, out);
    bx_json_object(&w);
    bx_json_key_bool(&w, "success", false);
    bx_json_key_cstr(&w, "error", http_reason(status));
    bx_json_key_cstr(&w, "code", code);
    bx_json_key_str(&w, "message", message);
    if (details.ptr)
        bx_json_key_raw(&w, "details", details);
    bx_json_end(&w);
}

/* Security headers, request id; before any respond. */
static void headers_add(struct http_exchange *x, const char *request_id)
{
    static const struct {
        const char *name;
        const char *value;
    } fixed[] = {{"X-Content-Type-Options", "nosniff"},
                 {"X-Frame-Options", "DENY"},
                 {"Referrer-Policy", "no-referrer"},
                 {"Cache-Control", "no-store"}};
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        http_add_header(x, fixed[i].name, bx_str(fixed[i].value));
    if (request_id)
        http_add_header(x, "X-Request-Id", bx_str(request_id));
}

void wb_answer_error(struct http_exchange *x, int status, const char *message)
{
    struct bx_buf out;
    bx_buf_init(&out, 4096);
    error_write(&out, status, bx_str(message), (struct bx_str){0});
    headers_add(x, NULL);
    http_respond(x, status, JSON, bx_buf_view(&out));
    bx_buf_done(&out);
}

static void send_failure(struct wb_request *rq, int rc, int status)
{
    struct bx_str message = rq->message.ptr ? rq->message : bx_str(bx_err_info(rc)->sentence);
    bx_buf_clear(&rq->out, 4096);
    error_write(&rq->out, status, message, rq->details);
    if (status == 401)
        http_add_header(rq->x, "WWW-Authenticate", BX_STR("Bearer"));
    if (rq->retry_after_ms > 0) {
        char seconds[24];
        snprintf(seconds, sizeof seconds, "%lld", (long long)(rq->retry_after_ms + 999) / 1000);
        http_add_header(rq->x, "Retry-After", bx_str(seconds));
    }
    http_respond(rq->x, status, JSON, bx_buf_view(&rq->out));
}

int wb_answer_send(struct wb_request *rq, int rc)
{
    int success = rq->status                       ? rq->status
                  : rq->route && rq->route->status ? rq->route->status
                                                   : 200;
    int status = rc >= 0 ? success : rq->status >= 400 ? rq->status : bx_err_info(rc)->http_status;
    if (!rq->x)
        return status;
    headers_add(rq->x, rq->id);
    if (rc < 0) {
        send_failure(rq, rc, status);
        return status;
    }
    if (rq->location.ptr)
        http_add_header(rq->x, "Location", rq->location);
    const char *type = rq->content_type_out ? rq->content_type_out : JSON;
    if (rq->body_out)
        http_respond_shared(rq->x, status, type, bx_shared_ref(rq->body_out));
    else
        http_respond(rq->x, status, type, bx_buf_view(&rq->out));
    return status;
}
