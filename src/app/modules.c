/* What lives beside REST, in the order of starting. The page is last: it takes every address that
 * nobody else took. */
#include "app/app.h"

#include "app/ops/demo.h"
#include "app/realtime/realtime.h"
#include "app/rest/web_page.h"
#include "app/channel/channels.h"
#include "base/mem.h"

const struct wb_part wb_parts[] = {
    {"numbers", wb_lines_start, wb_lines_stop},
    {"realtime", wb_realtime_start, wb_realtime_stop},
    {"whatsapp", wb_whatsapp_start, wb_whatsapp_stop},
    {"demo", wb_demo_start, wb_demo_stop},
    {"web page", wb_web_page_start, wb_web_page_stop},
};
const size_t wb_part_count = BX_LEN(wb_parts);
