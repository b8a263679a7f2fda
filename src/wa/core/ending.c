/* How a connection ended and what follows: the table of the protocol map, section 1.7. */
#include "wa/internal.h"

#define STOP WA_THEN_STOP
#define NOW WA_THEN_NOW
#define BACKOFF WA_THEN_BACKOFF
#define ONCE WA_THEN_ONCE
#define UNLINK WA_THEN_UNLINK

struct row {
    unsigned code;
    enum wa_reason reason;
    enum wa_then then;
};

static const struct row failures[] = {
    {400, WA_REASON_REFUSED, STOP},        {401, WA_REASON_LOGGED_OUT, UNLINK},
    {402, WA_REASON_BANNED, STOP},         {403, WA_REASON_LOGGED_OUT, UNLINK},
    {405, WA_REASON_OUTDATED, STOP},       {406, WA_REASON_BANNED, UNLINK},
    {408, WA_REASON_LOST, BACKOFF},        {409, WA_REASON_REFUSED, STOP},
    {411, WA_REASON_REFUSED, STOP},        {413, WA_REASON_REFUSED, STOP},
    {414, WA_REASON_REFUSED, STOP},        {415, WA_REASON_REFUSED, STOP},
    {418, WA_REASON_REFUSED, STOP},        {428, WA_REASON_LOST, BACKOFF},
    {500, WA_REASON_UNAVAILABLE, BACKOFF}, {501, WA_REASON_UNAVAILABLE, BACKOFF},
    {503, WA_REASON_UNAVAILABLE, BACKOFF},
};

static const struct row stream_errors[] = {
    {401, WA_REASON_LOGGED_OUT, UNLINK},   {403, WA_REASON_LOGGED_OUT, UNLINK},
    {440, WA_REASON_REPLACED, STOP},       {500, WA_REASON_UNAVAILABLE, BACKOFF},
    {503, WA_REASON_UNAVAILABLE, BACKOFF}, {515, WA_REASON_RESTART, NOW},
    {516, WA_REASON_LOGGED_OUT, UNLINK},
};

static const struct row local_ends[] = {
    {-BX_E_TIMEOUT, WA_REASON_TIMEOUT, BACKOFF},
    {-BX_E_AUTH, WA_REASON_UNTRUSTED, STOP},
    {-BX_E_UNAVAILABLE, WA_REASON_UNAVAILABLE, BACKOFF},
};

static struct wa_ending find(const struct row *rows, size_t count, uint64_t code,
                             struct wa_ending fallback)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].code == code)
            return (struct wa_ending){
                .reason = rows[i].reason, .then = rows[i].then, .detail = (int)code};
    }
    return fallback;
}

struct wa_ending wa_ending_of_stream_error(const struct wa_node *node)
{
    const struct wa_node *conflict = wa_node_child(node, "conflict");
    uint64_t code = wa_node_attr_u64_or(node, "code", 0);
    if (conflict && wa_node_attr_is(conflict, "type", "replaced"))
        code = 440;
    else if (conflict && code == 0)
        code = wa_node_attr_is(conflict, "type", "device_removed") ? 401 : 440;
    struct wa_ending unknown = {
        .reason = WA_REASON_REFUSED, .then = ONCE, .detail = code < 10000 ? (int)code : 0};
    return find(stream_errors, BX_LEN(stream_errors), code, unknown);
}

struct wa_ending wa_ending_of_failure(const struct wa_node *node, int64_t now_ms)
{
    uint64_t code = wa_node_attr_u64_or(node, "reason", 0);
    uint64_t expire_s = wa_node_attr_u64_or(node, "expire", 0);
    struct wa_ending unknown = {
        .reason = WA_REASON_REFUSED, .then = ONCE, .detail = code < 10000 ? (int)code : 0};
    struct wa_ending e = find(failures, BX_LEN(failures), code, unknown);
    enum { YEAR_S = 366 * 24 * 3600 };
    if (code == 402 && expire_s && expire_s < YEAR_S)
        e.retry_at_ms = now_ms + (int64_t)expire_s * 1000;
    return e;
}

struct wa_ending wa_ending_of_rc(int rc)
{
    struct wa_ending lost = {.reason = WA_REASON_LOST, .then = BACKOFF, .detail = rc};
    struct wa_ending e = find(local_ends, BX_LEN(local_ends), (unsigned)-rc, lost);
    e.detail = rc;
    return e;
}

/* --- names --- */

static const char *const state_names[] = {
    [WA_STATE_PENDING] = "PENDING",           [WA_STATE_PAIRING] = "PAIRING",
    [WA_STATE_CONNECTED] = "CONNECTED",       [WA_STATE_RECONNECTING] = "RECONNECTING",
    [WA_STATE_DISCONNECTED] = "DISCONNECTED",
};

static const struct {
    const char *name, *sentence;
} reasons[WA_REASONS] = {
    [WA_REASON_NONE] = {"none", "All is well."},
    [WA_REASON_STOPPED] = {"stopped", "The session was stopped here."},
    [WA_REASON_LOST] = {"connection_lost", "The connection to WhatsApp was lost."},
    [WA_REASON_TIMEOUT] = {"timeout", "WhatsApp does not answer."},
    [WA_REASON_RESTART] = {"restart", "WhatsApp asked for a new connection."},
    [WA_REASON_UNAVAILABLE] = {"unavailable", "WhatsApp is not available at the moment."},
    [WA_REASON_QR_EXPIRED] = {"qr_expired", "Nobody scanned the QR code in time."},
    [WA_REASON_LOGGED_OUT] = {"logged_out", "The device was unlinked; link it again."},
    [WA_REASON_REPLACED] = {"replaced", "This device is connected from another place."},
    [WA_REASON_BANNED] = {"banned", "WhatsApp has banned this number."},
    [WA_REASON_OUTDATED] = {"outdated", "WhatsApp no longer accepts this client version."},
    [WA_REASON_REFUSED] = {"refused", "WhatsApp refused the login."},
    [WA_REASON_UNTRUSTED] = {"untrusted", "The server could not prove that it is WhatsApp."},
    [WA_REASON_STORE] = {"store", "The data of this number could not be stored."},
    [WA_REASON_PAIR_FAILED] = {"pair_failed", "The phone's answer could not be verified."},
    [WA_REASON_WRONG_PHONE] = {"wrong_phone", "Another phone scanned the code."},
};

const char *wa_state_name(enum wa_state state)
{
    return (unsigned)state < BX_LEN(state_names) ? state_names[state] : "UNKNOWN";
}

const char *wa_reason_name(enum wa_reason reason)
{
    return (unsigned)reason < WA_REASONS ? reasons[reason].name : "unknown";
}

const char *wa_reason_sentence(enum wa_reason reason)
{
    return (unsigned)reason < WA_REASONS ? reasons[reason].sentence : "";
}
