/* Phone numbers and addresses as people write them. Stored as digits; shown as "+62 812-3456-789". */
#ifndef WB_PHONE_H
#define WB_PHONE_H

#include "base/arena.h"

enum { WB_PHONE_SIZE = 40 };

/* Digits of an E.164 number: "0812…" (0 stands for the country code), "62812…", "+62 812-3456-789",
 * "0062…", a phone JID. NUL-terminated. BX_E_INVALID. */
int wb_phone_parse(struct bx_str text, int64_t country_code, char out[WB_PHONE_SIZE]);

/* What to look for in stored numbers when `text` is one, or the beginning or a part of one, as
 * people write it; ptr NULL when it is not. */
struct bx_str wb_phone_part(struct bx_str text, int64_t country_code, struct bx_arena *arena);

/* Whether two numbers (digits) are one, also where mobile numbers of a country have a digit that may
 * be left out. */
bool wb_phone_is_same(struct bx_str a, struct bx_str b);

/* "+62 812-3456-789" */
struct bx_str wb_phone_format(struct bx_str digits, struct bx_arena *arena);

enum wb_address_kind { WB_TO_PHONE, WB_TO_LID, WB_TO_GROUP };

struct wb_address {
    enum wb_address_kind kind;
    char user[64]; /* digits; of a group what stands before "@g.us" */
};

/* Whom to write to: a phone number in any form, or a JID (@s.whatsapp.net, @c.us, @g.us, @lid, with
 * or without a device). BX_E_INVALID. */
int wb_address_parse(struct bx_str text, int64_t country_code, struct wb_address *out);
/* "user@server" */
struct bx_str wb_address_jid(const struct wb_address *address, struct bx_arena *arena);

#endif
