/* Modules besides REST, in start order. The page is last: it answers every address that no other
 * module owns. */
#include "app/modules.h"

#include "app/channel/channels.h"
#include "app/channel/engine.h"
#include "app/inbox/inbox.h"
#include "app/media/media_queue.h"
#include "app/numbers/link.h"
#include "app/numbers/outbox.h"
#include "app/ops/demo.h"
#include "app/realtime/customer_presence.h"
#include "app/realtime/realtime.h"
#include "app/rest/web_page.h"
#include "base/mem.h"

static const struct wb_channel_events channel_events = {
    .on_state = wb_link_on_state,
    .on_qr = wb_link_on_qr,
    .on_code = wb_link_on_code,
    .on_scanned = wb_link_on_scanned,
    .on_envelope = wb_inbox_submit,
    .on_unsent = wb_outbox_on_unsent,
    .on_typing = wb_presence_on_contact,
};

/* Here, because the inbox and realtime are above the channel. */
static int start_whatsapp(struct wb_app *app, struct bx_buf *message)
{
    app->channel_events = &channel_events;
    return wb_whatsapp_start(app, message);
}

const struct wb_module wb_modules[] = {
    {"numbers", wb_lines_start, wb_lines_stop}, {"realtime", wb_realtime_start, wb_realtime_stop},
    {"media", wb_media_start, wb_media_stop},   {"whatsapp", start_whatsapp, wb_whatsapp_stop},
    {"demo", wb_demo_start, wb_demo_stop},      {"web page", wb_web_page_start, wb_web_page_stop},
};
const size_t wb_module_count = BX_LEN(wb_modules);
