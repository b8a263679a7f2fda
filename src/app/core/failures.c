#include "app/core/failures.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

enum { MINUTE_MS = 60000 };

static struct {
    enum bx_log_level level;
    const char *event;
    _Atomic uint64_t quiet_until_ms; /* 0: nothing was logged yet */
    _Atomic int64_t held;
} kinds[WB_FAILURES] = {
    [WB_FAILURE_LOGIN] = {BX_LOG_WARN, "login failed", 0, 0},
    [WB_FAILURE_HANDSHAKE] = {BX_LOG_WARN, "socket connection refused", 0, 0},
    [WB_FAILURE_REQUEST] = {BX_LOG_ERROR, "request failed", 0, 0},
    [WB_FAILURE_STORE] = {BX_LOG_ERROR, "failed to store", 0, 0},
    [WB_FAILURE_SEND] = {BX_LOG_WARN, "message refused by WhatsApp", 0, 0},
    [WB_FAILURE_UNSENT] = {BX_LOG_WARN, "message not sent; it is queued again", 0, 0},
    [WB_FAILURE_DECRYPT] = {BX_LOG_WARN, "message not decrypted; its sender is asked again", 0, 0},
    [WB_FAILURE_SLOW_JOB] = {BX_LOG_WARN, "slow database write", 0, 0},
    [WB_FAILURE_SLOW_CALL] = {BX_LOG_WARN, "slow request", 0, 0},
    [WB_FAILURE_CONNECTION] = {BX_LOG_WARN, "connections or requests refused", 0, 0},
};

#define ROW(kind)                                                                                  \
    {                                                                                              \
        "wabox_failures_total", "Failures by kind.", BX_COUNTER, "kind=\"" kind "\"", 0            \
    }
struct bx_metric wb_failure_metrics[WB_FAILURES] = {
    [WB_FAILURE_LOGIN] = ROW("login"),         [WB_FAILURE_HANDSHAKE] = ROW("handshake"),
    [WB_FAILURE_REQUEST] = ROW("request"),     [WB_FAILURE_STORE] = ROW("store"),
    [WB_FAILURE_SEND] = ROW("send"),           [WB_FAILURE_UNSENT] = ROW("unsent"),
    [WB_FAILURE_DECRYPT] = ROW("decrypt"),     [WB_FAILURE_SLOW_JOB] = ROW("slow_job"),
    [WB_FAILURE_SLOW_CALL] = ROW("slow_call"), [WB_FAILURE_CONNECTION] = ROW("connection"),
};

/* Whether this thread is the one that logs now. */
static bool may_log(enum wb_failure kind)
{
    uint64_t now = bx_mono_ms(), until = kinds[kind].quiet_until_ms;
    return now >= until &&
           atomic_compare_exchange_strong(&kinds[kind].quiet_until_ms, &until, now + MINUTE_MS);
}

void wb_failure_note(enum wb_failure kind, const char *fields, ...)
{
    bx_metric_add(&wb_failure_metrics[kind], 1);
    if (!may_log(kind)) {
        atomic_fetch_add(&kinds[kind].held, 1);
        return;
    }
    va_list args;
    va_start(args, fields);
    bx_log_v(kinds[kind].level, "app", kinds[kind].event, fields, args);
    va_end(args);
}

void wb_failure_add(enum wb_failure kind, int64_t n)
{
    bx_metric_add(&wb_failure_metrics[kind], n);
    atomic_fetch_add(&kinds[kind].held, n);
}

void wb_failures_tick(void)
{
    for (enum wb_failure kind = 0; kind < WB_FAILURES; kind++) {
        if (kinds[kind].held == 0 || !may_log(kind))
            continue;
        bx_log(kinds[kind].level, "app", kinds[kind].event, "more=%lld",
               (long long)atomic_exchange(&kinds[kind].held, 0));
    }
}
