/* Every Socket.IO event of WaBox. A row is all there is to know about it. */
#include "app/realtime/events.h"

#include "app/views/event_shapes.h"
#include "app/views/shapes.h"
#include "base/mem.h"

#define END                                                                                        \
    {                                                                                              \
        .type = WB_END                                                                             \
    }

/* clang-format off */
static const struct wb_schema chat_get_list_request = {
    .fields = (const struct wb_field[]){
        {"whatsappNumberId", WB_INT, MUST},
        {"limit", WB_INT, 0, .fallback = "50"},
        {"offset", WB_INT, 0, .fallback = "0"},
        END}};

static const struct wb_schema chat_get_history_request = {
    .fields = (const struct wb_field[]){
        {"chatId", WB_UUID, MUST},
        {"limit", WB_INT, 0, .fallback = "50"},
        {"offset", WB_INT, 0, .fallback = "0"},
        {"order", WB_ENUM, 0, .choices = "asc|desc", .fallback = "\"desc\""},
        END}};

static const struct wb_schema chat_mark_read_request = {
    .fields = (const struct wb_field[]){
        {"chatId", WB_UUID, MUST},
        END}};

static const struct wb_schema chat_typing_request = {
    .fields = (const struct wb_field[]){
        {"chatId", WB_UUID, MUST},
        {"isTyping", WB_BOOL, MUST},
        END}};

static const struct wb_schema chat_viewing_request = {
    .fields = (const struct wb_field[]){
        {"chatId", WB_UUID, MUST},
        {"viewing", WB_BOOL, MUST},
        END}};

static const struct wb_schema message_send_request = {
    .fields = (const struct wb_field[]){
        {"chatId", WB_UUID, 0},
        {"whatsappNumberId", WB_INT, 0},
        {"to", WB_STR, 0},
        {"message", WB_STR, MUST},
        {"clientId", WB_STR, MUST},
        {"quotedMessageId", WB_STR, 0},
        END}};

static const struct wb_schema whatsapp_get_status_request = {
    .fields = (const struct wb_field[]){
        {"whatsappNumberId", WB_INT, MUST},
        END}};

static const struct wb_schema whatsapp_subscribe_request = {
    .fields = (const struct wb_field[]){
        {"whatsappNumberIds", WB_LIST, MUST, 0, 4096, .item = WB_INT},
        END}};

const struct wb_event wb_events[] = {
    {"chat:get-list", "ChatGetListRequest", WB_EVENT_IN, WB_MAY_NUMBER, &chat_get_list_request, &wb_shape_chat_list_event, NULL,
     "Chats of a number; answered with chat:list"},
    {"chat:get-history", "ChatGetHistoryRequest", WB_EVENT_IN, WB_MAY_CHAT, &chat_get_history_request, &wb_shape_chat_history_event, NULL,
     "Messages of a chat, newest first; answered with chat:history"},
    {"chat:mark-read", "ChatMarkReadRequest", WB_EVENT_IN, WB_MAY_CHAT, &chat_mark_read_request, &wb_shape_chat_read_event, NULL,
     "Marks a chat read for everybody"},
    {"chat:typing", "ChatTypingRequest", WB_EVENT_IN, WB_MAY_CHAT, &chat_typing_request, NULL, NULL,
     "Tells the customer (if policy allows) and the other agents that this agent is typing"},
    {"chat:viewing", "ChatViewingRequest", WB_EVENT_IN, WB_MAY_CHAT, &chat_viewing_request, NULL, NULL,
     "Tells the other agents which chat is open here"},
    {"message:send", "MessageSendRequest", WB_EVENT_IN, WB_MAY_SEND, &message_send_request, &wb_shape_message, NULL,
     "Sends a text; the same clientId never sends twice"},
    {"whatsapp:get-status", "WhatsappGetStatusRequest", WB_EVENT_IN, WB_MAY_NUMBER, &whatsapp_get_status_request, &wb_shape_whatsapp_status_event, NULL,
     "Link status of a number; answered with whatsapp:status"},
    {"whatsapp:subscribe", "WhatsappSubscribeRequest", WB_EVENT_IN, WB_MAY_NUMBER, &whatsapp_subscribe_request, NULL, NULL,
     "Narrows this socket to some of its numbers"},
    {"chat:list", "ChatListEvent", WB_EVENT_OUT, WB_MAY_ANY, &wb_shape_chat_list_event, NULL, "socket",
     "First chats of a number (unasked on connect) or the answer to chat:get-list"},
    {"chat:history", "ChatHistoryEvent", WB_EVENT_OUT, WB_MAY_ANY, &wb_shape_chat_history_event, NULL, "socket",
     "Answer to chat:get-history, newest first"},
    {"chat:read", "ChatReadEvent", WB_EVENT_OUT, WB_MAY_ANY, &wb_shape_chat_read_event, NULL, "number",
     "Somebody read the chat"},
    {"chat:updated", "ChatUpdatedEvent", WB_EVENT_OUT, WB_MAY_ANY, &wb_shape_chat_updated_event, NULL, "number",
     "The chat that changed, whole"},
    {"chat:presence", "ChatPresenceEvent", WB_EVENT_OUT, WB_MAY_ANY, &wb_shape_chat_presence_event, NULL, "number",
     "Typing and viewing, of the customer (agent null) or of an agent"},
    {"message:new", "MessageNewEvent", WB_EVENT_OUT, WB_MAY_ANY, &wb_shape_message_new_event, NULL, "number",
     "Every message, own ones too, exactly once each"},
    {"message:updated", "MessageUpdatedEvent", WB_EVENT_OUT, WB_MAY_ANY, &wb_shape_message_updated_event, NULL, "number",
     "A message was edited, revoked or got a reaction"},
    {"message:media", "MessageMediaEvent", WB_EVENT_OUT, WB_MAY_ANY, &wb_shape_message_media_event, NULL, "number",
     "The file of a message arrived, or cannot be had: media.state"},
    {"message:status", "MessageStatusEvent", WB_EVENT_OUT, WB_MAY_ANY, &wb_shape_message_status_event, NULL, "number",
     "A message's status moved; messageId is WhatsApp's"},
    {"whatsapp:status", "WhatsappStatusEvent", WB_EVENT_OUT, WB_MAY_ANY, &wb_shape_whatsapp_status_event, NULL, "number",
     "Link status of a number"},
    {"whatsapp:qr", "WhatsappQrEvent", WB_EVENT_OUT, WB_MAY_ANY, &wb_shape_whatsapp_qr_event, NULL, "number (ADMIN)",
     "The QR code now valid"},
    {"permission:changed", "PermissionChangedEvent", WB_EVENT_OUT, WB_MAY_ANY, &wb_shape_permission_changed_event, NULL, "user",
     "This user's access to a number was granted or revoked"},
    {"resync", "ResyncEvent", WB_EVENT_OUT, WB_MAY_ANY, &wb_shape_resync_event, NULL, "socket",
     "The log no longer reaches back to the resume point: load this number again"},
    {"error", "ErrorEvent", WB_EVENT_OUT, WB_MAY_ANY, &wb_shape_error_event, NULL, "socket",
     "A client event failed (only without an acknowledgement)"},
    {"ping", "PingRequest", WB_EVENT_IN, WB_MAY_ANY, NULL, NULL, NULL,
     "Heartbeat of the application: <startMs>, acknowledged at once"},
};
/* clang-format on */

const size_t wb_event_count = BX_LEN(wb_events);

const struct wb_event *wb_event_find(enum wb_event_direction direction, struct bx_str name)
{
    for (size_t i = 0; i < wb_event_count; i++) {
        if (wb_events[i].direction == direction && bx_str_eq(bx_str(wb_events[i].name), name))
            return &wb_events[i];
    }
    return NULL;
}
