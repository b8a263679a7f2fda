/* AWS Signature Version 4, sans-I/O: a request and a time in, the Authorization header out.
 * libcurl's own (7.88) signs keys with '+', unsorted queries and uploads wrongly, and leaves out
 * x-amz-content-sha256, so it is not used.
 *
 * Source: "Authenticating Requests (AWS Signature Version 4)" of the S3 API Reference.
 */
#ifndef BL_SIGV4_H
#define BL_SIGV4_H

#include "base/buf.h"

/* Borrowed for the call. */
struct bl_sigv4_keys {
    struct bx_str access_key, secret_key, region, service;
};

struct bl_pair {
    struct bx_str name, value; /* not encoded */
};

enum { BL_SIGV4_PAIRS_MAX = 16, BL_AMZ_DATE_SIZE = 17 };

struct bl_sigv4_request {
    struct bx_str method;
    struct bx_str path;          /* "/bucket/key", not encoded */
    const struct bl_pair *query; /* in any order; no value is an empty one */
    size_t query_count;
    const struct bl_pair *headers; /* all that are signed, "host" and "x-amz-date" among them */
    size_t header_count;
    struct bx_str payload_hash; /* hex SHA-256 of the body, or "UNSIGNED-PAYLOAD" */
};

/* "20130524T000000Z" with NUL. */
void bl_amz_date(int64_t wall_ms, char out[BL_AMZ_DATE_SIZE]);

/* Percent-encodes as AWS does: everything but A-Z a-z 0-9 - . _ ~, and '/' where it separates. */
int bl_uri_encode(struct bx_buf *out, struct bx_str text, bool keeps_slash);

/* Appends the query as it is signed and sent: encoded, sorted, "name=value" even without a value.
 */
int bl_sigv4_query(struct bx_buf *out, const struct bl_pair *query, size_t count);

/* Appends the value of the Authorization header. amz_date is that of the x-amz-date header.
 * BX_E_TOO_BIG: more pairs than BL_SIGV4_PAIRS_MAX. */
int bl_sigv4_sign(struct bx_buf *out, const struct bl_sigv4_keys *keys,
                  const struct bl_sigv4_request *request, const char *amz_date);

#endif
