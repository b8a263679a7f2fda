/* Failures by kind: each counts in wabox_failures_total{kind=…}, and the log has one line of a kind a
 * minute at most. The first is logged as it happens, with its details; of those that follow within the
 * minute wb_failures_tick tells how many they were. Any thread.
 */
#ifndef WB_FAILURES_H
#define WB_FAILURES_H

#include "base/metrics.h"

#include <stdint.h>

enum wb_failure {
    WB_FAILURE_LOGIN,      /* a wrong password */
    WB_FAILURE_HANDSHAKE,  /* a socket that may not connect */
    WB_FAILURE_REQUEST,    /* a REST call that ended with 5xx */
    WB_FAILURE_STORE,      /* something that could not be stored or read */
    WB_FAILURE_SEND,       /* a message that WhatsApp refused */
    WB_FAILURE_UNSENT,     /* a message that came back, to be sent again */
    WB_FAILURE_DECRYPT,    /* a message that could not be decrypted */
    WB_FAILURE_SLOW_JOB,   /* a write that held the writer */
    WB_FAILURE_SLOW_CALL,  /* a REST call that took long */
    WB_FAILURE_CONNECTION, /* a connection or request that the HTTP server refused */
    WB_FAILURES
};

/* `fields` as of bx_log. */
void wb_failure_note(enum wb_failure kind, const char *fields, ...)
    __attribute__((format(printf, 2, 3)));
/* `n` at once, without details. */
void wb_failure_add(enum wb_failure kind, int64_t n);
/* Every few seconds: logs what was held back for a minute. */
void wb_failures_tick(void);

extern struct bx_metric wb_failure_metrics[WB_FAILURES];

#endif
