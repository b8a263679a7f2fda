#include "app/ops/version.h"

#include "base/mem.h"
#include "base/test.h"
#include "wa/version.h"

#define DAY_MS INT64_C(86400000)

TEST(a_built_in_version_older_than_sixty_days_is_told_with_what_to_do)
{
    static const struct {
        int64_t days;
        const char *setting;
        bool is_fine;
    } rows[] = {{-1, NULL, true}, {60, NULL, true}, {61, NULL, false}, {400, "2.3000.9", true}};
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct bx_buf say;
        bx_buf_init(&say, 1024);
        int64_t now = WA_BUILT_IN_VERSION_MS + rows[i].days * DAY_MS;
        assert_int_equal(wb_version_check(rows[i].setting, now, &say), rows[i].is_fine);
        bx_buf_byte(&say, '\0');
        assert_int_equal(strstr((char *)say.data, "update WaBox") != NULL, !rows[i].is_fine);
        bx_buf_done(&say);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_built_in_version_older_than_sixty_days_is_told_with_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
