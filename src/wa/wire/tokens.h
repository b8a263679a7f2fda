/* The token dictionaries: 236 single-byte tokens, then 4 * 256 of two bytes. The client names its
 * dictionary in the fourth byte of its intro; version 2 is Baileys 6.17, version 3 everybody else.
 */
#ifndef WA_TOKENS_H
#define WA_TOKENS_H

#include "base/str.h"

enum { WA_TOKEN_SINGLES = 236, WA_TOKEN_COUNT = 236 + 4 * 256, WA_TOKEN_SLOTS = 4096 };

enum wa_dict { WA_DICT_2 = 2, WA_DICT_3 = 3 };

struct wa_tokens {
    const char *text[WA_TOKEN_COUNT];
    uint8_t len[WA_TOKEN_COUNT];
    uint16_t slots[WA_TOKEN_SLOTS]; /* FNV-1a, open addressing, index + 1; 0 is free */
};

extern const struct wa_tokens wa_tokens_v2, wa_tokens_v3;

const struct wa_tokens *wa_tokens(enum wa_dict dict);

/* Index below WA_TOKEN_COUNT, or -1. */
int wa_token_find(const struct wa_tokens *tokens, struct bx_str text);

#endif
