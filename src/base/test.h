/* cmocka needs its headers in a fixed order; this hides it. Test names are sentences about
 * behaviour. */
#ifndef BX_TEST_H
#define BX_TEST_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <string.h>

#define TEST(name) static void name(void **cmocka_state __attribute__((unused)))

/* A row of a table of bad or good input: `why` is printed when it does not hold. */
#define assert_why(cond, why)                                                                      \
    do {                                                                                           \
        if (!(cond))                                                                               \
            fail_msg("%s: %s", (why), #cond);                                                      \
    } while (0)

#define assert_rc(got, want)                                                                       \
    do {                                                                                           \
        int rc_got = (got), rc_want = (want);                                                      \
        if (rc_got != rc_want)                                                                     \
            fail_msg("%s gave %s, want %s", #got, bx_err_name(rc_got), bx_err_name(rc_want));      \
    } while (0)

#define assert_str(got, want)                                                                      \
    do {                                                                                           \
        struct bx_str str_got = (got), str_want = bx_str(want);                                    \
        if (!bx_str_eq(str_got, str_want))                                                         \
            fail_msg("%s is \"%.*s\", want \"%.*s\"", #got, (int)str_got.len, str_got.ptr,         \
                     (int)str_want.len, str_want.ptr);                                             \
    } while (0)

#endif
