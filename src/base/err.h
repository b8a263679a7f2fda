/* The one error table of the house.
 *
 * A function that can fail returns int: 0 (or a count) on success, a negative BX_E_* on failure;
 * its out_* arguments are then untouched. There is no "last error". Every row carries the sentence
 * shown to a person, the HTTP status that stands for it and whether trying again can help.
 */
#ifndef BX_ERR_H
#define BX_ERR_H

#include <stdbool.h>

/* X(NAME, number, http status, retryable, sentence) */
#define BX_ERR_TABLE(X)                                                                            \
    X(BX_E_NOMEM, 1, 503, true, "Out of memory; try again later.")                                 \
    X(BX_E_INVALID, 2, 400, false, "The input is malformed.")                                      \
    X(BX_E_TOO_BIG, 3, 413, false, "The input is larger than this server allows.")                 \
    X(BX_E_TOO_DEEP, 4, 400, false, "The input is nested too deeply.")                             \
    X(BX_E_TRUNCATED, 5, 400, true, "The input ended too early.")                                  \
    X(BX_E_NOT_FOUND, 6, 404, false, "There is no such thing.")                                    \
    X(BX_E_EXISTS, 7, 409, false, "That exists already.")                                          \
    X(BX_E_CONFLICT, 8, 409, true, "The state has changed meanwhile; load it again.")              \
    X(BX_E_DENIED, 9, 403, false, "You are not allowed to do this.")                               \
    X(BX_E_AUTH, 10, 401, false, "Authentication failed.")                                         \
    X(BX_E_EXPIRED, 11, 401, false, "The credential has expired.")                                 \
    X(BX_E_RATE_LIMITED, 12, 429, true, "Too many requests; slow down.")                           \
    X(BX_E_TIMEOUT, 13, 408, true, "The operation took too long.")                                 \
    X(BX_E_CLOSED, 14, 503, true, "The connection is closed.")                                     \
    X(BX_E_FULL, 15, 503, true, "A limit of this server is reached; try again later.")             \
    X(BX_E_IO, 16, 503, true, "Reading or writing failed.")                                        \
    X(BX_E_DISK_FULL, 17, 503, true, "The disk is full.")                                          \
    X(BX_E_READ_ONLY, 18, 503, true, "The data directory cannot be written.")                      \
    X(BX_E_CORRUPT, 19, 500, false, "Stored data is damaged.")                                     \
    X(BX_E_VERSION, 20, 500, false, "The version is not supported by this program.")               \
    X(BX_E_UNSUPPORTED, 21, 415, false, "This is not supported.")                                  \
    X(BX_E_STATE, 22, 409, false, "This is not possible in the present state.")                    \
    X(BX_E_CRYPTO, 23, 500, false, "A cryptographic check failed.")                                \
    X(BX_E_UNAVAILABLE, 24, 503, true, "The service is not available now.")                        \
    X(BX_E_INTERNAL, 25, 500, false, "An internal error occurred.")                                \
    X(BX_E_DUPLICATE, 26, 409, false, "This was processed already.")                               \
    X(BX_E_AGAIN, 27, 503, true, "Not ready yet; try again.")                                      \
    X(BX_E_STALE, 28, 503, false,                                                                  \
      "The database file was replaced or removed under the server; restart it.")

enum bx_err {
    BX_OK = 0,
#define BX_ERR_ENUM(name, number, http, retry, sentence) name = -(number),
    BX_ERR_TABLE(BX_ERR_ENUM)
#undef BX_ERR_ENUM
};

struct bx_err_info {
    const char *name;
    const char *sentence;
    int http_status;
    bool is_retryable;
};

/* Never NULL: an unknown code has the row of BX_E_INTERNAL. The row is static. */
const struct bx_err_info *bx_err_info(int rc);

/* Symbolic name, "BX_E_TIMEOUT"; "BX_OK" for rc >= 0. */
const char *bx_err_name(int rc);

/* Maps errno to a row of the table (ENOSPC -> BX_E_DISK_FULL and so on). */
int bx_err_from_errno(int err);

/* An assertion of our own invariants, kept in release builds: prints and aborts. Never for input.
 */
#define BX_ASSERT(cond) ((cond) ? (void)0 : bx_assert_failed(#cond, __FILE__, __LINE__))
_Noreturn void bx_assert_failed(const char *cond, const char *file, int line);

#endif
