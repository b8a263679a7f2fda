#include "blob/s3_xml.h"

#include "base/err.h"
#include "base/mem.h"

#include <time.h>

static bool find(struct bx_str text, struct bx_str what, size_t *at)
{
    const char *hit = text.len ? memmem(text.ptr, text.len, what.ptr, what.len) : NULL;
    if (hit)
        *at = (size_t)(hit - text.ptr);
    return hit != NULL;
}

/* "<name>" or "</name>"; a name that does not fit matches nothing. */
static bool find_tag(struct bx_str text, const char *open, struct bx_str name, size_t *at,
                     size_t *end)
{
    char tag[64];
    size_t lead = strlen(open);
    if (name.len + lead + 1 > sizeof tag)
        return false;
    memcpy(tag, open, lead);
    memcpy(tag + lead, name.ptr, name.len);
    tag[lead + name.len] = '>';
    if (!find(text, bx_str_n(tag, lead + name.len + 1), at))
        return false;
    *end = *at + lead + name.len + 1;
    return true;
}

bool bl_xml_next(struct bx_str *rest, struct bx_str name, struct bx_str *out)
{
    size_t at, begin, close, end;
    if (!find_tag(*rest, "<", name, &at, &begin))
        return false;
    struct bx_str inside = bx_str_slice(*rest, begin, rest->len);
    if (!find_tag(inside, "</", name, &close, &end))
        return false;
    *out = bx_str_slice(inside, 0, close);
    *rest = bx_str_slice(inside, end, inside.len);
    return true;
}

static const struct {
    struct bx_str name;
    char c;
} entities[] = {
    {{"amp", 3}, '&'}, {{"lt", 2}, '<'}, {{"gt", 2}, '>'}, {{"quot", 4}, '"'}, {{"apos", 4}, '\''},
};

static int entity(struct bx_str name, char *out)
{
    for (size_t i = 0; i < BX_LEN(entities); i++) {
        if (bx_str_eq(name, entities[i].name)) {
            *out = entities[i].c;
            return BX_OK;
        }
    }
    bool is_hex = bx_str_starts(name, BX_STR("#x"));
    struct bx_str digits = bx_str_slice(name, is_hex ? 2 : 1, name.len);
    uint64_t n = 0;
    if (name.len < 2 || name.ptr[0] != '#' || digits.len == 0 || digits.len > 4)
        return BX_E_INVALID;
    for (size_t i = 0; i < digits.len; i++) {
        char c = digits.ptr[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                                : 99;
        if (digit >= (is_hex ? 16u : 10u))
            return BX_E_INVALID;
        n = n * (is_hex ? 16 : 10) + digit;
    }
    *out = (char)n;
    return n > 0 && n < 128 ? BX_OK : BX_E_INVALID;
}

int bl_xml_text(struct bx_str content, char *out, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < content.len; i++) {
        char c = content.ptr[i];
        if (len + 1 >= size)
            return BX_E_TOO_BIG;
        if (c == '&') {
            struct bx_str rest = bx_str_slice(content, i + 1, content.len);
            size_t end = bx_str_find(rest, ';');
            if (end == rest.len || entity(bx_str_slice(rest, 0, end), &c) < 0)
                return BX_E_INVALID;
            i += end + 1;
        }
        out[len++] = c;
    }
    if (size)
        out[len] = 0;
    return BX_OK;
}

int64_t bl_xml_time(struct bx_str content)
{
    char text[32];
    struct tm tm = {0};
    if (bx_str_copy(bx_str_slice(content, 0, 19), text, sizeof text) < 0 ||
        !strptime(text, "%Y-%m-%dT%H:%M:%S", &tm))
        return 0;
    int64_t at = timegm(&tm);
    return at > 0 ? at : 0;
}
