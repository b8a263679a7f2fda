/* The negotiation of RFC 7692 section 7.1. The list grammar is that of RFC 6455 section 9.1:
 * extensions by comma, parameters by semicolon, values as token or quoted token. */
#include "base/err.h"
#include "net/ws/ws_deflate.h"

#include <stdio.h>

enum { WINDOW_MIN = 8, WINDOW_MAX = 15 };

/* One parameter as it was seen: absent, without a value, or with bits. */
struct offered {
    bool is_present, has_value;
    uint8_t bits;
};

struct extension {
    struct offered server_no_takeover, client_no_takeover, server_bits, client_bits;
};

static const struct param_row {
    struct bx_str name;
    size_t offset;
    bool may_have_value;
} param_rows[] = {
    {{"server_no_context_takeover", 26}, offsetof(struct extension, server_no_takeover), false},
    {{"client_no_context_takeover", 26}, offsetof(struct extension, client_no_takeover), false},
    {{"server_max_window_bits", 22}, offsetof(struct extension, server_bits), true},
    {{"client_max_window_bits", 22}, offsetof(struct extension, client_bits), true},
};

static bool window_parse(struct bx_str value, uint8_t *out)
{
    uint64_t bits;
    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
        value = bx_str_slice(value, 1, value.len - 1);
    if (value.len == 0 || value.len > 2 || value.ptr[0] == '0' ||
        bx_str_u64(value, WINDOW_MAX, &bits) < 0 || bits < WINDOW_MIN)
        return false;
    *out = (uint8_t)bits;
    return true;
}

static bool param_parse(struct bx_str text, struct extension *out)
{
    size_t equals = bx_str_find(text, '=');
    struct bx_str name = bx_str_trim(bx_str_slice(text, 0, equals));
    bool has_value = equals < text.len;
    for (size_t i = 0; i < sizeof param_rows / sizeof param_rows[0]; i++) {
        if (!bx_str_ieq(name, param_rows[i].name))
            continue;
        struct offered *p = (void *)((char *)out + param_rows[i].offset);
        if (p->is_present || (has_value && !param_rows[i].may_have_value))
            return false;
        p->is_present = true;
        p->has_value = has_value;
        return !has_value ||
               window_parse(bx_str_trim(bx_str_slice(text, equals + 1, text.len)), &p->bits);
    }
    return false;
}

/* False: not permessage-deflate, or one that must be declined. */
static bool extension_parse(struct bx_str text, struct extension *out, bool *out_is_ours)
{
    struct bx_str piece;
    *out = (struct extension){0};
    bx_str_split(&text, ';', &piece);
    *out_is_ours = bx_str_ieq(bx_str_trim(piece), BX_STR("permessage-deflate"));
    if (!*out_is_ours)
        return false;
    while (bx_str_split(&text, ';', &piece)) {
        if (!param_parse(bx_str_trim(piece), out))
            return false;
    }
    return true;
}

static uint8_t wanted_bits(const struct ws_deflate_config *config)
{
    return config->window_bits ? config->window_bits : WINDOW_MAX;
}

static uint8_t smaller(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

static void answer_write(const struct ws_deflate_params *p, const struct extension *offer,
                         char answer[WS_DEFLATE_ANSWER_SIZE])
{
    char server_bits[32] = "", client_bits[32] = "";
    if (p->server_window_bits < WINDOW_MAX || offer->server_bits.is_present)
        snprintf(server_bits, sizeof server_bits, "; server_max_window_bits=%u",
                 p->server_window_bits);
    if (p->client_window_bits < WINDOW_MAX)
        snprintf(client_bits, sizeof client_bits, "; client_max_window_bits=%u",
                 p->client_window_bits);
    snprintf(answer, WS_DEFLATE_ANSWER_SIZE, "permessage-deflate%s%s%s%s",
             p->is_server_takeover ? "" : "; server_no_context_takeover",
             p->is_client_takeover ? "" : "; client_no_context_takeover", server_bits, client_bits);
}

bool ws_deflate_accept(struct bx_str offers, const struct ws_deflate_config *config,
                       struct ws_deflate_params *out, char answer[WS_DEFLATE_ANSWER_SIZE])
{
    struct bx_str text;
    while (bx_str_split(&offers, ',', &text)) {
        struct extension offer;
        bool is_ours;
        if (!extension_parse(text, &offer, &is_ours) ||
            (offer.server_bits.is_present && !offer.server_bits.has_value))
            continue;
        struct ws_deflate_params p = {
            .is_server_takeover =
                config->is_server_takeover && !offer.server_no_takeover.is_present,
            .is_client_takeover =
                config->is_client_takeover && !offer.client_no_takeover.is_present,
            .server_window_bits = wanted_bits(config),
            .client_window_bits = WINDOW_MAX,
        };
        if (offer.server_bits.has_value)
            p.server_window_bits = smaller(p.server_window_bits, offer.server_bits.bits);
        if (offer.client_bits.is_present) /* only then may the answer limit the client */
            p.client_window_bits = offer.client_bits.has_value
                                       ? smaller(wanted_bits(config), offer.client_bits.bits)
                                       : wanted_bits(config);
        answer_write(&p, &offer, answer);
        *out = p;
        return true;
    }
    return false;
}

size_t ws_deflate_offer(const struct ws_deflate_config *config, char out[WS_DEFLATE_ANSWER_SIZE])
{
    char bits[64] = "; client_max_window_bits";
    if (wanted_bits(config) < WINDOW_MAX)
        snprintf(bits, sizeof bits, "; server_max_window_bits=%u; client_max_window_bits=%u",
                 wanted_bits(config), wanted_bits(config));
    return (size_t)snprintf(out, WS_DEFLATE_ANSWER_SIZE, "permessage-deflate%s%s%s",
                            config->is_server_takeover ? "" : "; server_no_context_takeover",
                            config->is_client_takeover ? "" : "; client_no_context_takeover", bits);
}

int ws_deflate_answer_check(struct bx_str answer, const struct ws_deflate_config *config,
                            struct ws_deflate_params *out, bool *out_is_on)
{
    struct bx_str text, rest = bx_str_trim(answer);
    struct extension got;
    bool is_ours, is_limited = wanted_bits(config) < WINDOW_MAX;
    if (rest.len == 0) {
        *out_is_on = false;
        return BX_OK;
    }
    bx_str_split(&rest, ',', &text);
    if (rest.len || !extension_parse(text, &got, &is_ours) ||
        (got.server_bits.is_present && !got.server_bits.has_value) ||
        (got.client_bits.is_present && !got.client_bits.has_value) ||
        (is_limited && got.server_bits.bits > wanted_bits(config)) ||
        (is_limited && !got.server_bits.is_present))
        return BX_E_INVALID;
    *out = (struct ws_deflate_params){
        /* a server that ignores our wish not to keep its context is still understood */
        .is_server_takeover = !got.server_no_takeover.is_present,
        .is_client_takeover = config->is_client_takeover && !got.client_no_takeover.is_present,
        .server_window_bits = got.server_bits.is_present ? got.server_bits.bits : WINDOW_MAX,
        .client_window_bits = got.client_bits.is_present
                                  ? smaller(wanted_bits(config), got.client_bits.bits)
                                  : wanted_bits(config),
    };
    *out_is_on = true;
    return BX_OK;
}
