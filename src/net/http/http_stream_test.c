/* Bodies and answers in pieces, judged by libcurl: uploads that the server pauses, files and ranges,
 * clients that leave or read slowly, each over plain TCP and TLS. The loop runs in a thread of its own. */
#include "base/mem.h"
#include "base/test.h"
#include "net/http/http_server.h"
#include "net/timer.h"

#include <curl/curl.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { UPLOAD = 24 << 20, FILE_SIZE = (20 << 20) + 7, PAUSE_EVERY = 1 << 20, PIECES = 12000 };

static struct net_loop *loop;
static struct http_server *server;
static struct net_tls_ctx *tls;
static uint16_t port;
static char file_path[64];
static atomic_int ended;

static char byte_at(uint64_t i)
{
    return (char)(i * 2654435761u >> 13);
}

/* --- the server --- */

struct upload {
    struct http_exchange *x;
    struct net_timer timer;
    uint64_t count, paused_at;
    unsigned pauses;
    bool is_wrong;
};

static void on_pause_over(void *arg)
{
    http_resume_body(((struct upload *)arg)->x);
}

static void on_upload_gone(struct http_exchange *x, void *arg)
{
    struct upload *u = arg;
    (void)x;
    net_timer_stop(&u->timer);
    ended++;
    free(u);
}

static void on_body(struct http_exchange *x, struct bx_str piece, bool is_last, void *arg)
{
    struct upload *u = arg;
    for (size_t i = 0; i < piece.len; i++)
        u->is_wrong |= piece.ptr[i] != byte_at(u->count + i);
    u->count += piece.len;
    if (is_last) {
        struct bx_str text =
            bx_arena_printf(http_exchange_arena(x), "%llu %s %s", (unsigned long long)u->count,
                            u->is_wrong ? "wrong" : "right", u->pauses > 3 ? "paused" : "");
        net_timer_stop(&u->timer);
        free(u);
        http_respond(x, 200, "text/plain", text);
    } else if (u->count - u->paused_at >= PAUSE_EVERY) {
        u->paused_at = u->count;
        u->pauses++;
        http_pause_body(x);
        net_timer_start(loop, &u->timer, 2);
    }
}

static void refuse_body(struct http_exchange *x, struct bx_str piece, bool is_last, void *arg)
{
    (void)piece;
    (void)is_last;
    (void)arg;
    if (x)
        http_respond_error(x, 422, BX_STR("Not this."));
}

static void on_head(struct http_exchange *x, size_t *out_max_body, void *arg)
{
    const struct http_request *r = http_exchange_request(x);
    (void)arg;
    *out_max_body = 64 << 20;
    if (bx_str_is(r->path, "/small"))
        *out_max_body = 1000;
    if (bx_str_is(r->path, "/refuse")) {
        http_stream_body(x, refuse_body, NULL);
    } else if (r->method == HTTP_PUT) {
        struct upload *u = BX_NEW(struct upload);
        u->x = x;
        net_timer_init(&u->timer, on_pause_over, u);
        http_exchange_on_abort(x, on_upload_gone, u);
        http_stream_body(x, on_body, u);
    }
}

struct pieces {
    unsigned next;
    uint64_t at;
};

static void on_gone(struct http_exchange *x, void *arg)
{
    (void)x;
    ended++;
    free(arg);
}

static void write_pieces(struct http_exchange *x, void *arg)
{
    struct pieces *p = arg;
    char text[4096];
    while (p->next < PIECES) {
        size_t len = 1 + p->next * 37 % sizeof text;
        for (size_t i = 0; i < len; i++)
            text[i] = byte_at(p->at + i);
        p->at += len;
        p->next++;
        if (!http_respond_piece(x, bx_str_n(text, len)))
            return;
    }
    http_respond_end(x);
    free(p);
}

static void on_request(struct http_exchange *x, void *arg)
{
    const struct http_request *r = http_exchange_request(x);
    (void)arg;
    if (bx_str_is(r->path, "/pieces")) {
        struct pieces *p = BX_NEW(struct pieces);
        http_exchange_on_abort(x, on_gone, p);
        http_respond_begin(x, 200, "application/octet-stream", -1, write_pieces, p);
        write_pieces(x, p);
        return;
    }
    int fd = open(file_path, O_RDONLY | O_CLOEXEC);
    void *owned = malloc(64); /* a file answer takes the exchange: its on_abort has ended */
    http_exchange_on_abort(x, on_gone, owned);
    bool is_short = bx_str_is(r->path, "/short");
    http_serve_file(x, &(struct http_file){.fd = fd,
                                           .size = FILE_SIZE + (is_short ? 1000 : 0),
                                           .content_type = "image/jpeg",
                                           .etag = BX_STR("\"abc\"")});
    free(owned);
}

static const struct http_handler handler = {.on_head = on_head, .on_request = on_request};

/* --- the client --- */

struct reply {
    uint64_t count, first; /* bytes; what byte_at starts with */
    bool is_wrong, is_slow, leaves;
    long status;
    CURLcode rc;
    struct bx_buf headers, text;
    uint64_t sent;
};

static size_t on_write(char *data, size_t size, size_t n, void *arg)
{
    struct reply *r = arg;
    n *= size;
    for (size_t i = 0; i < n; i++)
        r->is_wrong |= data[i] != byte_at(r->first + r->count + i);
    r->count += n;
    if (r->text.len < 4096)
        bx_buf_append(&r->text, data, n);
    if (r->is_slow && r->count % 7 == 0)
        usleep(500);
    return r->leaves && r->count > 100000 ? 0 : n;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
    bx_buf_append(&((struct reply *)arg)->headers, data, size * n);
    return size * n;
}

static size_t on_read(char *out, size_t size, size_t n, void *arg)
{
    struct reply *r = arg;
    n *= size;
    if (n > UPLOAD - r->sent)
        n = (size_t)(UPLOAD - r->sent);
    for (size_t i = 0; i < n; i++)
        out[i] = byte_at(r->sent + i);
    r->sent += n;
    return r->leaves && r->sent > 3000000 ? CURL_READFUNC_ABORT : n;
}

static CURL *curl_new(const char *path, struct reply *r)
{
    char url[128];
    CURL *c = curl_easy_init();
    snprintf(url, sizeof url, "%s://127.0.0.1:%u%s", tls ? "https" : "http", port, path);
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, r);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, r);
    bx_buf_init(&r->headers, 0);
    bx_buf_init(&r->text, 0);
    return c;
}

static void run(CURL *c, struct reply *r)
{
    r->rc = curl_easy_perform(c);
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &r->status);
    curl_easy_cleanup(c);
    bx_buf_byte(&r->headers, 0);
    bx_buf_byte(&r->text, 0);
}

static void reply_done(struct reply *r)
{
    bx_buf_done(&r->headers);
    bx_buf_done(&r->text);
}

static void upload(const char *path, bool has_length, struct reply *r)
{
    CURL *c = curl_new(path, r);
    curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(c, CURLOPT_READDATA, r);
    if (has_length)
        curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)UPLOAD);
    run(c, r);
}

static void get(const char *path, const char *header, bool is_head, struct reply *r)
{
    CURL *c = curl_new(path, r);
    struct curl_slist *list = header ? curl_slist_append(NULL, header) : NULL;
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(c, CURLOPT_NOBODY, (long)is_head);
    run(c, r);
    curl_slist_free_all(list);
}

/* --- set-up --- */

static void *loop_main(void *arg)
{
    (void)arg;
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_UNBLOCK, &pipe, NULL); /* the server's side must not raise it */
    net_loop_run(loop);
    return NULL;
}

static void on_server_closed(void *arg)
{
    (void)arg;
    http_server_free(server);
    net_loop_stop(loop);
}

static void do_close(void *arg)
{
    (void)arg;
    http_server_close(server, on_server_closed, NULL);
}

static void make_file(void)
{
    snprintf(file_path, sizeof file_path, "http-stream-%d.bin", (int)getpid());
    FILE *f = fopen(file_path, "wb");
    for (uint64_t i = 0; i < FILE_SIZE; i++)
        fputc(byte_at(i), f);
    fclose(f);
}

static void play(void (*script)(void))
{
    make_file();
    for (int with_tls = 0; with_tls < 2; with_tls++) {
        struct net_listener_opts l = {.host = "127.0.0.1"};
        pthread_t thread;
        tls = NULL;
        if (with_tls)
            assert_rc(net_tls_server_self_signed("localhost", &tls), BX_OK);
        l.tls = tls;
        l.tls_mode = tls ? NET_TLS_ON : NET_TLS_OFF;
        ended = 0;
        assert_rc(net_loop_new(&loop), BX_OK);
        assert_rc(http_server_new(loop, &(struct http_server_opts){0}, &handler, NULL, &server),
                  BX_OK);
        assert_rc(http_server_listen(server, &l, &port), BX_OK);
        assert_int_equal(pthread_create(&thread, NULL, loop_main, NULL), 0);
        script();
        net_inbox_post(loop, do_close, NULL);
        pthread_join(thread, NULL);
        net_loop_free(loop);
        if (tls)
            net_tls_unref(tls);
    }
    unlink(file_path);
}

static size_t open_files(void)
{
    size_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* --- uploads --- */

static void script_uploads(void)
{
    for (int has_length = 0; has_length < 2; has_length++) {
        struct reply r = {0};
        upload("/up", has_length, &r);
        assert_int_equal(r.status, 200);
        assert_string_equal((char *)r.text.data, "25165824 right paused");
        reply_done(&r);
    }
    struct reply none = {0};
    CURL *c = curl_new("/up", &none);
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, "PUT");
    run(c, &none);
    assert_string_equal((char *)none.text.data, "0 right ");
    reply_done(&none);
}

TEST(a_body_in_pieces_arrives_whole_through_pauses)
{
    play(script_uploads);
}

static void script_refused(void)
{
    for (int has_length = 0; has_length < 2; has_length++) {
        struct reply early = {0}, large = {0}, gone = {.leaves = true};
        upload("/refuse", has_length, &early);
        assert_int_equal(early.status, 422);
        reply_done(&early);
        upload("/small", has_length, &large);
        assert_int_equal(large.status, 413);
        reply_done(&large);
        int before = ended;
        upload("/up", has_length, &gone);
        assert_int_equal(gone.rc, CURLE_ABORTED_BY_CALLBACK);
        for (int i = 0; i < 500 && ended == before; i++)
            usleep(10000);
        assert_int_equal(ended, before + 1);
        reply_done(&gone);
    }
}

TEST(a_body_in_pieces_can_be_refused_capped_or_broken_off)
{
    play(script_refused);
}

/* --- answers --- */

static void script_files(void)
{
    static const struct {
        const char *header;
        long status;
        uint64_t first, count;
        const char *content_range;
    } rows[] = {
        {NULL, 200, 0, FILE_SIZE, NULL},
        {"Range: bytes=0-0", 206, 0, 1, "bytes 0-0/20971527"},
        {"Range: bytes=5-", 206, 5, FILE_SIZE - 5, "bytes 5-20971526/20971527"},
        {"Range: bytes=1048575-3145729", 206, 1048575, 2097155, "bytes 1048575-3145729/20971527"},
        {"Range: bytes=-7", 206, FILE_SIZE - 7, 7, "bytes 20971520-20971526/20971527"},
        {"Range: bytes=-99999999999999999999", 206, 0, FILE_SIZE, "bytes 0-20971526/20971527"},
        {"Range: bytes=20971526-99999999999999999999", 206, FILE_SIZE - 1, 1,
         "bytes 20971526-20971526/20971527"},
        {"Range: bytes=20971527-", 416, 0, 0, "bytes */20971527"},
        {"Range: bytes=-0", 416, 0, 0, "bytes */20971527"},
        {"Range: bytes=9-3", 200, 0, FILE_SIZE, NULL},
        {"Range: bytes=1-2,5-6", 200, 0, FILE_SIZE, NULL},
        {"Range: bytes=x-2", 200, 0, FILE_SIZE, NULL},
        {"Range: lines=1-2", 200, 0, FILE_SIZE, NULL},
        {"If-None-Match: W/\"abc\"", 304, 0, 0, NULL},
        {"If-None-Match: \"x\"", 200, 0, FILE_SIZE, NULL},
    };
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct reply r = {.first = rows[i].first};
        get("/file", rows[i].header, false, &r);
        if (r.status != rows[i].status ||
            (r.status < 300 && (r.is_wrong || r.count != rows[i].count)))
            fail_msg("%s: status %ld, %llu bytes, %s", rows[i].header, r.status,
                     (unsigned long long)r.count, r.is_wrong ? "wrong" : "right");
        if (rows[i].content_range)
            assert_non_null(strstr((char *)r.headers.data, rows[i].content_range));
        reply_done(&r);
    }
    struct reply head = {0};
    get("/file", NULL, true, &head);
    assert_int_equal(head.status, 200);
    assert_non_null(strstr((char *)head.headers.data, "Content-Length: 20971527"));
    assert_int_equal(head.count, 0);
    reply_done(&head);
}

TEST(files_and_ranges_arrive_byte_for_byte)
{
    play(script_files);
}

static void script_pieces(void)
{
    for (int is_slow = 0; is_slow < 2; is_slow++) {
        struct reply r = {.is_slow = is_slow};
        get("/pieces", NULL, false, &r);
        assert_int_equal(r.rc, CURLE_OK);
        assert_false(r.is_wrong);
        uint64_t want = 0;
        for (unsigned i = 0; i < PIECES; i++)
            want += 1 + i * 37 % 4096;
        assert_int_equal(r.count, want);
        reply_done(&r);
    }
}

TEST(answers_of_unknown_length_wait_for_slow_readers)
{
    play(script_pieces);
}

static void script_broken(void)
{
    struct reply warm = {0};
    get("/file", NULL, false, &warm); /* opens what the process keeps */
    reply_done(&warm);
    size_t files = open_files();
    for (int i = 0; i < 4; i++) {
        struct reply r = {.leaves = true}, p = {.leaves = true}, s = {0};
        get("/file", NULL, false, &r);
        assert_int_equal(r.rc, CURLE_WRITE_ERROR);
        get("/pieces", NULL, false, &p);
        assert_int_equal(p.rc, CURLE_WRITE_ERROR);
        get("/short", NULL, false, &s); /* the file became shorter meanwhile */
        assert_true(s.rc == CURLE_PARTIAL_FILE || s.rc == CURLE_RECV_ERROR);
        reply_done(&r);
        reply_done(&p);
        reply_done(&s);
    }
    for (int i = 0; i < 500 && (ended < 4 || open_files() > files); i++)
        usleep(10000);
    assert_int_equal(ended, 4);
    assert_true(open_files() <= files);
}

TEST(clients_that_leave_and_files_that_shrink_leave_nothing_behind)
{
    play(script_broken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_in_pieces_arrives_whole_through_pauses),
        cmocka_unit_test(a_body_in_pieces_can_be_refused_capped_or_broken_off),
        cmocka_unit_test(files_and_ranges_arrive_byte_for_byte),
        cmocka_unit_test(answers_of_unknown_length_wait_for_slow_readers),
        cmocka_unit_test(clients_that_leave_and_files_that_shrink_leave_nothing_behind),
    };
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL); /* of libcurl's side */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
