#include "wa/event.h"

#include "base/clock.h"
#include "base/mem.h"
#include "wa/outgoing.h"

static const char *const names[WA_EVENT_KINDS] = {
    [WA_EVENT_PAIRED] = "paired",
    [WA_EVENT_UNLINKED] = "unlinked",
    [WA_EVENT_MESSAGE] = "message",
    [WA_EVENT_EDIT] = "edit",
    [WA_EVENT_REVOKE] = "revoke",
    [WA_EVENT_REACTION] = "reaction",
    [WA_EVENT_PIN] = "pin",
    [WA_EVENT_VOTE] = "vote",
    [WA_EVENT_ANSWER] = "answer",
    [WA_EVENT_RECEIPT] = "receipt",
    [WA_EVENT_SENT] = "sent",
    [WA_EVENT_READ_SELF] = "read_self",
    [WA_EVENT_CHAT] = "chat",
    [WA_EVENT_CONTACT] = "contact",
    [WA_EVENT_LID] = "lid",
    [WA_EVENT_ACCOUNT] = "account",
    [WA_EVENT_PUSH_NAME] = "push_name",
    [WA_EVENT_GROUP] = "group",
    [WA_EVENT_IDENTITY_CHANGED] = "identity_changed",
    [WA_EVENT_HISTORY_DONE] = "history_done",
    [WA_EVENT_CALL] = "call",
    [WA_EVENT_MEDIA_RETRY] = "media_retry",
};

const char *wa_event_name(enum wa_event_kind kind)
{
    return (unsigned)kind < BX_LEN(names) && names[kind] ? names[kind] : "unknown";
}

void wa_message_id_make(char out[WA_MESSAGE_ID_SIZE])
{
    uint8_t random[9];
    bx_random(random, sizeof random);
    memcpy(out, "3EB0", 4);
    bx_hex_encode(random, sizeof random, out + 4);
    for (char *p = out; *p; p++)
        *p = *p >= 'a' && *p <= 'f' ? (char)(*p - 'a' + 'A') : *p;
}
