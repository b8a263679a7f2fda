#include "app/core/phone.h"

#include "base/err.h"
#include "base/mem.h"
#include "phone/phone.h"

_Static_assert((int)WB_PHONE_SIZE == (int)PH_SIZE, "one size for numbers");

/* Of a JID, as WhatsApp writes it. */
static int jid_digits(struct bx_str user, char out[WB_PHONE_SIZE])
{
    enum { DIGITS_MIN = 6, DIGITS_MAX = 15 };
    user = bx_str_trim(user);
    for (size_t i = 0; i < user.len; i++)
        if (user.ptr[i] < '0' || user.ptr[i] > '9')
            return BX_E_INVALID;
    bool is_number = user.len >= DIGITS_MIN && user.len <= DIGITS_MAX && user.ptr[0] != '0';
    return is_number ? bx_str_copy(user, out, WB_PHONE_SIZE) : BX_E_INVALID;
}

int wb_phone_parse(struct bx_str text, int64_t country_code, char out[WB_PHONE_SIZE])
{
    size_t at = bx_str_find(text, '@');
    return at < text.len ? jid_digits(bx_str_slice(text, 0, at), out)
                         : ph_parse(text, country_code, out);
}

struct bx_str wb_phone_part(struct bx_str text, int64_t country_code, struct bx_arena *arena)
{
    char digits[WB_PHONE_SIZE];
    text = bx_str_slice(text, 0, bx_str_find(text, '@'));
    if (ph_part(text, country_code, digits) < 0)
        return (struct bx_str){0};
    return bx_arena_str(arena, bx_str(digits));
}

/* Countries whose mobile numbers are written with or without one digit, between the area or country
 * code and the rest. WhatsApp knows an account by one of the two writings. */
static const struct {
    const char *code, *optional;
    size_t at;       /* where the digit is, in the longer writing */
    size_t long_len; /* of the longer writing */
} optional_digits[] = {
    {"55", "9", 4, 13}, /* Brazil: 55 AA 9 NNNNNNNN */
    {"52", "1", 2, 13}, /* Mexico: 52 1 NNNNNNNNNN */
    {"54", "9", 2, 13}, /* Argentina: 54 9 NNNNNNNNNN */
};

/* The shorter writing, in `out`; the number itself when it has none. */
static struct bx_str without_optional(struct bx_str digits, char out[WB_PHONE_SIZE])
{
    for (size_t i = 0; i < BX_LEN(optional_digits); i++) {
        size_t at = optional_digits[i].at;
        if (digits.len != optional_digits[i].long_len ||
            !bx_str_starts(digits, bx_str(optional_digits[i].code)) ||
            digits.ptr[at] != optional_digits[i].optional[0])
            continue;
        memcpy(out, digits.ptr, at);
        memcpy(out + at, digits.ptr + at + 1, digits.len - at - 1);
        return bx_str_n(out, digits.len - 1);
    }
    return digits;
}

bool wb_phone_is_same(struct bx_str a, struct bx_str b)
{
    char a_short[WB_PHONE_SIZE], b_short[WB_PHONE_SIZE];
    return bx_str_eq(without_optional(a, a_short), without_optional(b, b_short));
}

struct bx_str wb_phone_format(struct bx_str digits, struct bx_arena *arena)
{
    char text[PH_SIZE];
    ph_format(digits, text);
    return bx_arena_str(arena, bx_str(text));
}

static const struct {
    const char *server;
    enum wb_address_kind kind;
} servers[] = {{"s.whatsapp.net", WB_TO_PHONE},
               {"c.us", WB_TO_PHONE},
               {"lid", WB_TO_LID},
               {"g.us", WB_TO_GROUP}};

/* "123-456" of old groups has one dash; everybody else has digits, perhaps ":device". */
static int take_user(struct bx_str user, enum wb_address_kind kind, struct wb_address *out)
{
    if (kind != WB_TO_GROUP)
        user = bx_str_slice(user, 0, bx_str_find(user, ':'));
    if (user.len < 5 || user.len >= sizeof out->user)
        return BX_E_INVALID;
    for (size_t i = 0; i < user.len; i++) {
        bool is_digit = user.ptr[i] >= '0' && user.ptr[i] <= '9';
        if (!is_digit && !(kind == WB_TO_GROUP && user.ptr[i] == '-'))
            return BX_E_INVALID;
    }
    *out = (struct wb_address){.kind = kind};
    memcpy(out->user, user.ptr, user.len);
    return BX_OK;
}

int wb_address_parse(struct bx_str text, int64_t country_code, struct wb_address *out)
{
    text = bx_str_trim(text);
    size_t at = bx_str_find(text, '@');
    if (at == text.len) {
        char digits[WB_PHONE_SIZE];
        int rc = wb_phone_parse(text, country_code, digits);
        return rc < 0 ? rc : take_user(bx_str(digits), WB_TO_PHONE, out);
    }
    struct bx_str server = bx_str_slice(text, at + 1, text.len);
    for (size_t i = 0; i < BX_LEN(servers); i++) {
        if (bx_str_ieq(server, bx_str(servers[i].server)))
            return take_user(bx_str_slice(text, 0, at), servers[i].kind, out);
    }
    return BX_E_INVALID;
}

struct bx_str wb_address_jid(const struct wb_address *address, struct bx_arena *arena)
{
    static const char *const names[] = {
        [WB_TO_PHONE] = "s.whatsapp.net", [WB_TO_LID] = "lid", [WB_TO_GROUP] = "g.us"};
    return bx_arena_printf(arena, "%s@%s", address->user, names[address->kind]);
}
