/* One request to S3: signed, sent, tried again. The pieces of an answer go to the caller as they
 * come; an answer that broke off in the middle is not repeated here, because only the caller knows
 * what it has used already. */
#ifndef BL_S3_CALL_H
#define BL_S3_CALL_H

#include "base/buf.h"
#include "blob/internal.h"
#include "blob/sigv4.h"
#include "net/fetch/transfer.h"
#include "net/timer.h"

enum { S3_QUERY_MAX = 4, S3_ANSWER_MAX = 2 << 20, S3_RUNNING_MAX = 256, S3_QUEUE_MAX = 4096 };

struct s3_store {
    struct bl_store base;
    struct net_transfers *transfers;
    char *origin;                                             /* "https://host:port" */
    char *host;                                               /* as in the Host header */
    char *bucket, *prefix, *region, *access_key, *secret_key; /* prefix: "" or "media/" */
    bool is_path_style;
    unsigned max_attempts;
    uint32_t backoff_ms;
    int64_t skew_ms; /* the server's clock minus ours, when it complained */
    struct bx_list calls;
    unsigned running, count, users; /* users: operations that hold the store */
};

struct s3_call;

struct s3_reply {
    int rc;                 /* BX_OK: a status of 2xx */
    int status;             /* 0: none */
    int64_t content_length; /* -1: unknown */
    struct bx_str etag;
    struct bx_str body; /* without on_bytes: the whole answer */
    uint64_t delivered; /* bytes that went to on_bytes */
};

/* Texts are borrowed until on_reply; body_fd is kept. */
struct s3_request {
    const char *method;
    const struct bl_id *id; /* NULL: the bucket itself */
    struct bl_pair query[S3_QUERY_MAX];
    size_t query_count;
    uint64_t offset, len; /* GET: the range, when is_range */
    bool is_range;
    struct bx_str body; /* POST; copied */
    int body_fd;        /* PUT; -1: none */
    uint64_t body_offset, body_len;
    const uint8_t *body_hash; /* of what body_fd gives */
    /* 2xx only, before on_bytes; again when an attempt is repeated that has delivered nothing. */
    void (*on_head)(const struct net_transfer_head *head, void *arg);
    int (*on_bytes)(struct bx_str bytes, void *arg);
    void (*on_reply)(const struct s3_reply *reply, void *arg);
    void *arg;
};

/* BX_E_FULL. */
int s3_call_start(struct s3_store *s, const struct s3_request *request, struct s3_call **out);
void s3_call_resume(struct s3_call *c);
void s3_call_cancel(struct s3_call *c); /* no callback any more */

/* Ends all with BX_E_CLOSED. */
void s3_calls_close(struct s3_store *s);

#endif
