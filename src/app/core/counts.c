#include "app/core/counts.h"

#define MESSAGES(direction, result)                                                                \
    {                                                                                              \
        "wabox_messages_total", "Messages by direction and result.", BX_COUNTER,                   \
            "direction=\"" direction "\",result=\"" result "\"", 0                                 \
    }

struct bx_metric wb_count_metrics[WB_COUNTS] = {
    [WB_COUNT_IN] = MESSAGES("in", "ok"),
    [WB_COUNT_IN_FAILED] = MESSAGES("in", "failed"),
    [WB_COUNT_OUT] = MESSAGES("out", "ok"),
    [WB_COUNT_OUT_FAILED] = MESSAGES("out", "failed"),
    [WB_COUNT_RECONNECTS] = {"wabox_reconnects_total",
                             "Links to WhatsApp that broke and are made again.", BX_COUNTER, NULL,
                             0},
    [WB_COUNT_DECRYPT] = {"wabox_decrypt_failures_total", "Messages that could not be decrypted.",
                          BX_COUNTER, NULL, 0},
    [WB_COUNT_LINKED] = {"wabox_devices_linked_total", "Devices that were linked.", BX_COUNTER,
                         NULL, 0},
};
