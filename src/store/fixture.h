/* A store in a directory of its own, for tests. */
#ifndef ST_FIXTURE_H
#define ST_FIXTURE_H

#include "base/mem.h"
#include "base/test.h"
#include "store/store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct fixture {
    char dir[64], path[96];
    struct st_store *store;
    struct st_conn *conn;
    struct st_writer *writer;
    struct bx_arena a;
};

static inline void fixture_start(struct fixture *f, const struct st_options *options)
{
    struct st_options o = options ? *options : (struct st_options){.sync = ST_SYNC_NORMAL};
    struct bx_buf message;
    bx_buf_init(&message, 0);
    o.path = f->path;
    int rc = st_store_open(&o, &f->store, &message);
    if (rc != BX_OK)
        fail_msg("open: %s: %.*s", bx_err_name(rc), (int)message.len, (char *)message.data);
    bx_buf_done(&message);
    assert_rc(st_conn_open(f->store, &f->conn), BX_OK);
    assert_rc(st_writer_start(f->store, NULL, &f->writer), BX_OK);
}

static inline void fixture_stop(struct fixture *f)
{
    st_writer_stop(f->writer);
    st_conn_close(f->conn);
    st_store_close(f->store);
    f->writer = NULL;
    f->conn = NULL;
    f->store = NULL;
}

static inline void fixture_init(struct fixture *f)
{
    *f = (struct fixture){0};
    const char *base = getenv("TMPDIR");
    snprintf(f->dir, sizeof f->dir, "%s/st-test-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/wabox.db", f->dir);
    bx_arena_init(&f->a, 0);
}

static inline void fixture_done(struct fixture *f)
{
    char command[160];
    if (f->store)
        fixture_stop(f);
    bx_arena_done(&f->a);
    snprintf(command, sizeof command, "rm -rf '%s'", f->dir);
    assert_int_equal(system(command), 0);
}

/* cmocka's set-up and tear-down of a started fixture */
static inline int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    fixture_init(f);
    fixture_start(f, NULL);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    fixture_done(*state);
    free(*state);
    return 0;
}

/* One durable job that sees the fixture. WRITE gives a single call of the interface as a job:
 * assert_rc(WRITE(f, st_chat_pin(tx, chat, true)), BX_OK); names used inside must be variables of
 * the test. (Nested functions would need an executable stack, hence no GNU trick: the transaction
 * is held open for the test thread instead.) */
/* The writer waits inside a job while the test thread works with its transaction. */
struct held {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct st_tx *tx;
    bool is_over, is_done;
    int rc, result;
};

static inline int held_job(struct st_tx *tx, void *arg)
{
    struct held *h = arg;
    pthread_mutex_lock(&h->lock);
    h->tx = tx;
    pthread_cond_broadcast(&h->changed);
    while (!h->is_over)
        pthread_cond_wait(&h->changed, &h->lock);
    pthread_mutex_unlock(&h->lock);
    return h->rc;
}

static inline void held_done(int rc, void *arg)
{
    struct held *h = arg;
    pthread_mutex_lock(&h->lock);
    h->result = rc;
    h->is_done = true;
    h->tx = NULL;
    pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->lock);
}

static inline struct st_tx *held_begin(struct fixture *f, struct held *h)
{
    *h = (struct held){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    assert_rc(st_writer_submit(f->writer, held_job, h, held_done), BX_OK);
    pthread_mutex_lock(&h->lock);
    while (!h->tx && !h->is_done)
        pthread_cond_wait(&h->changed, &h->lock);
    pthread_mutex_unlock(&h->lock);
    return h->tx;
}

static inline int held_end(struct held *h, int rc)
{
    pthread_mutex_lock(&h->lock);
    h->rc = rc;
    h->is_over = true;
    pthread_cond_broadcast(&h->changed);
    while (!h->is_done)
        pthread_cond_wait(&h->changed, &h->lock);
    pthread_mutex_unlock(&h->lock);
    return h->result;
}

#define WRITE(f, call)                                                                             \
    __extension__({                                                                                \
        struct held held_;                                                                         \
        struct st_tx *tx = held_begin((f), &held_);                                                \
        held_end(&held_, tx ? (call) : 0);                                                         \
    })

#endif
