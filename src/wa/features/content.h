/* What content.c and its fillers share: a filler adds to `out` what one sort of message says and
 * returns its context (NULL: none). Lane. */
#ifndef WA_CONTENT_H
#define WA_CONTENT_H

#include "wa/internal.h"

typedef Wap__ContextInfo *wa_fill_fn(struct bx_arena *a, const void *part, struct wa_message *out);

/* content_details.c: places, people, polls, appointments */
wa_fill_fn wa_fill_location, wa_fill_live, wa_fill_contact, wa_fill_contacts, wa_fill_poll,
    wa_fill_poll_result, wa_fill_event, wa_fill_scheduled_call, wa_fill_call_log;

/* content_business.c: what companies send, and the answers to it */
wa_fill_fn wa_fill_buttons_response, wa_fill_list_response, wa_fill_template_reply,
    wa_fill_flow_response, wa_fill_template, wa_fill_structured, wa_fill_buttons, wa_fill_list,
    wa_fill_interactive, wa_fill_product, wa_fill_order, wa_fill_invoice, wa_fill_payment,
    wa_fill_payment_request, wa_fill_channel_invite, wa_fill_sticker_pack, wa_fill_comment;

/* Something of it is shown as what it is. */
bool wa_content_is_known(const Wap__Message *m);

/* content_unknown.c: a Message inside a field that is not known, NULL: none. */
Wap__Message *wa_content_open_unknown(const Wap__Message *m, struct bx_arena *a);

#endif
