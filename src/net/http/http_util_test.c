#include "base/arena.h"
#include "base/err.h"
#include "base/test.h"
#include "net/http/http_server.h"

static const struct {
    const char *query, *name, *value; /* value NULL: absent */
} queries[] = {
    {"a=1&b=2", "a", "1"}, {"a=1&b=2", "b", "2"}, {"a=1&a=2", "a", "1"}, {"a", "a", ""},
    {"a=", "a", ""},       {"a=b=c", "a", "b=c"}, {"&&a=1&&", "a", "1"}, {"ab=1", "a", NULL},
    {"xa=1", "a", NULL},   {"A=1", "a", NULL},    {"", "a", NULL},       {"=1", "a", NULL},
};

TEST(a_query_parameter_is_the_first_of_its_whole_name)
{
    for (size_t i = 0; i < BX_LEN(queries); i++) {
        struct bx_str out;
        bool is_there = http_query_get(bx_str(queries[i].query), bx_str(queries[i].name), &out);
        assert_why(is_there == (queries[i].value != NULL), queries[i].query);
        assert_why(!is_there || bx_str_eq(out, bx_str(queries[i].value)), queries[i].query);
    }
}

static const struct {
    const char *raw, *path, *form; /* NULL: refused */
} escapes[] = {
    {"", "", ""},
    {"plain", "plain", "plain"},
    {"a+b", "a+b", "a b"},
    {"a%20b", "a b", "a b"},
    {"%2B", "+", "+"},
    {"%C3%A9", "\xc3\xa9", "\xc3\xa9"},
    {"%c3%a9", "\xc3\xa9", "\xc3\xa9"},
    {"%2e%2e%2f", "../", "../"},
    {"%252e", "%2e", "%2e"},
    {"%00", NULL, NULL},
    {"a%", NULL, NULL},
    {"a%2", NULL, NULL},
    {"a%2g", NULL, NULL},
    {"a%-1", NULL, NULL},
    {"%%20", NULL, NULL},
};

TEST(escapes_are_decoded_once_and_broken_ones_refused)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    for (size_t i = 0; i < BX_LEN(escapes); i++) {
        for (int is_form = 0; is_form < 2; is_form++) {
            const char *want = is_form ? escapes[i].form : escapes[i].path;
            struct bx_str out;
            int rc = http_url_decode(&arena, bx_str(escapes[i].raw), is_form, &out);
            assert_why((rc == BX_OK) == (want != NULL), escapes[i].raw);
            assert_why(!want || bx_str_eq(out, bx_str(want)), escapes[i].raw);
        }
    }
    bx_arena_done(&arena);
}

static const struct {
    const char *form, *name, *value;
    int rc;
} forms[] = {
    {"user=a%40b&pass=x+y", "user", "a@b", BX_OK},
    {"user=a%40b&pass=x+y", "pass", "x y", BX_OK},
    {"us%65r=1", "user", "1", BX_OK},
    {"user", "user", "", BX_OK},
    {"a=1", "user", NULL, BX_E_NOT_FOUND},
    {"user=%zz", "user", NULL, BX_E_INVALID},
    {"%=1&user=1", "user", NULL, BX_E_INVALID},
};

TEST(form_fields_are_decoded_names_and_all)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    for (size_t i = 0; i < BX_LEN(forms); i++) {
        struct bx_str out;
        int rc = http_form_get(&arena, bx_str(forms[i].form), bx_str(forms[i].name), &out);
        assert_why(rc == forms[i].rc, forms[i].form);
        assert_why(rc < 0 || bx_str_eq(out, bx_str(forms[i].value)), forms[i].form);
    }
    bx_arena_done(&arena);
}

static const struct {
    const char *line, *value; /* of the cookie "sid" */
} cookies[] = {
    {"sid=1", "1"},
    {"a=b; sid=1", "1"},
    {"a=b;sid=1;c=d", "1"},
    {"sid=1; sid=2", "1"},
    {"sid=\"quoted\"", "quoted"},
    {"sid=a=b", "a=b"},
    {"sid=", ""},
    {" sid = 1 ", "1"},
    {"xsid=1", NULL},
    {"sidx=1", NULL},
    {"SID=1", NULL},
    {"sid", NULL},
    {"a=\"; sid=1\"", "1\""}, /* quotes do not protect: browsers send no such thing */
    {"", NULL},
};

TEST(a_cookie_is_the_first_of_its_exact_name)
{
    for (size_t i = 0; i < BX_LEN(cookies); i++) {
        struct http_header h = {BX_STR("cOOkie"), bx_str(cookies[i].line)};
        struct http_request r = {.headers = &h, .header_count = 1};
        struct bx_str out;
        bool is_there = http_cookie_get(&r, BX_STR("sid"), &out);
        assert_why(is_there == (cookies[i].value != NULL), cookies[i].line);
        assert_why(!is_there || bx_str_eq(out, bx_str(cookies[i].value)), cookies[i].line);
    }
}

static const struct {
    const char *line;
    bool is_accepted;
} encodings[] = {
    {"gzip", true},
    {"GZIP", true},
    {"x-gzip", true},
    {"deflate, gzip;q=0.5, br", true},
    {"gzip;q=0.001", true},
    {"gzip ; q=1", true},
    {"*", true},
    {"br, *;q=0.1", true},
    {"gzip;q=0", false},
    {"gzip;q=0.000", false},
    {"gzip; Q=0", false},
    {"*;q=0", false},
    {"*, gzip;q=0", false},
    {"identity", false},
    {"gzipped", false},
    {"br", false},
    {"", false},
};

TEST(gzip_is_used_where_it_is_allowed_with_a_weight)
{
    for (size_t i = 0; i < BX_LEN(encodings); i++) {
        struct http_header h = {BX_STR("Accept-Encoding"), bx_str(encodings[i].line)};
        struct http_request r = {.headers = &h, .header_count = 1};
        assert_why(http_accepts_gzip(&r) == encodings[i].is_accepted, encodings[i].line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_parameter_is_the_first_of_its_whole_name),
        cmocka_unit_test(escapes_are_decoded_once_and_broken_ones_refused),
        cmocka_unit_test(form_fields_are_decoded_names_and_all),
        cmocka_unit_test(a_cookie_is_the_first_of_its_exact_name),
        cmocka_unit_test(gzip_is_used_where_it_is_allowed_with_a_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
