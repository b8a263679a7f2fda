/* What lives beside REST, in the order of starting. Realtime, the WhatsApp engine, the outbox and
 * the web page each bring a row. */
#include "app/app.h"

const struct wb_part wb_parts[] = {
    {.name = NULL},
};
const size_t wb_part_count = 0;
