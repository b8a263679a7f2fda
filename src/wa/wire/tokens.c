#include "wa/wire/tokens.h"

const struct wa_tokens *wa_tokens(enum wa_dict dict)
{
    return dict == WA_DICT_2 ? &wa_tokens_v2 : &wa_tokens_v3;
}

static uint32_t fnv1a(struct bx_str text)
{
    uint32_t h = 0x811c9dc5u;
    for (size_t i = 0; i < text.len; i++)
        h = (h ^ (uint8_t)text.ptr[i]) * 0x01000193u;
    return h;
}

int wa_token_find(const struct wa_tokens *tokens, struct bx_str text)
{
    if (text.len == 0 || text.len > UINT8_MAX)
        return -1;
    for (uint32_t at = fnv1a(text) % WA_TOKEN_SLOTS;; at = (at + 1) % WA_TOKEN_SLOTS) {
        int index = tokens->slots[at] - 1;
        if (index < 0)
            return -1;
        if (bx_str_eq(bx_str_n(tokens->text[index], tokens->len[index]), text))
            return index;
    }
}
