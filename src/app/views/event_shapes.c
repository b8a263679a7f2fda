/* Shapes of chats, messages and events: the rows of REST and the payloads of Socket.IO. */
#include "app/views/event_shapes.h"

#include "app/views/details.h"
#include "app/views/error_code.h"
#include "app/views/shapes.h"

#define END                                                                                        \
    {                                                                                              \
        .type = WB_END                                                                             \
    }

/* clang-format off */
/* The event's place in the log of its number. */
#define PLACE(flags)                                                                               \
    {"seq", WB_INT, flags},                                                                        \
    {"epoch", WB_STR, flags, .help = "Names the log that seq counts in."}

/* A message that came or changed. */
#define MESSAGE_EVENT(event_name)                                                                  \
    {.name = event_name,                                                                           \
     .fields = (const struct wb_field[]){                                                          \
         {"whatsappNumberId", WB_INT, MUST},                                                       \
         {"chatId", WB_UUID, MUST},                                                                \
         {"message", WB_REF, MUST, .ref = &wb_shape_message},                                      \
         PLACE(MUST),                                                                              \
         END}}

const struct wb_schema wb_shape_session_status = {
    .name = "SessionStatus",
    .choices = "PENDING|PAIRING|CONNECTED|DISCONNECTED|RECONNECTING"};

const struct wb_schema wb_shape_message_status = {
    .name = "MessageStatus",
    .help = "Only moves forward.",
    .choices = "PENDING|SENT|DELIVERED|READ|FAILED"};

static const struct wb_schema message_type_shape = {
    .name = "MessageType",
    .choices = "TEXT|IMAGE|VIDEO|AUDIO|DOCUMENT|STICKER|LOCATION|CONTACT|SYSTEM|REACTION|POLL|EVENT|UNKNOWN"};

const struct wb_schema wb_shape_chat = {
    .name = "Chat",
    .fields = (const struct wb_field[]){
        {"id", WB_UUID, MUST},
        {"contactName", WB_STR, MUST},
        {"contactNumber", WB_STR, MUST},
        {"contactJid", WB_STR, MUST},
        {"lastMessage", WB_STR, MUST_OR_NULL},
        {"lastMessageTime", WB_TIME, MUST},
        {"lastMessageIsFromMe", WB_BOOL, MUST, .help = "The team or its phone spoke last."},
        {"lastMessageId", WB_STR, MUST_OR_NULL, .help = "WhatsApp's id, of an own message or in a group."},
        {"lastMessageStatus", WB_REF, MUST_OR_NULL, .ref = &wb_shape_message_status,
         .help = "Of an own message; null when the customer spoke last."},
        {"lastMessageFromName", WB_STR, MUST_OR_NULL, .help = "In a group: who spoke last."},
        {"unreadCount", WB_INT, MUST},
        {"isMarkedUnread", WB_BOOL, MUST, .help = "Marked as unread by hand, here or on the phone."},
        {"isGroup", WB_BOOL, MUST},
        {"contactId", WB_INT, MUST_OR_NULL, .help = "For GET /contacts/{contactId}; null for a group."},
        {"groupName", WB_STR, MUST_OR_NULL},
        {"isPinned", WB_BOOL, MUST},
        {"isArchived", WB_BOOL, MUST},
        {"mutedUntil", WB_TIME, MUST_OR_NULL, .help = "In the year 9999: for ever."},
        {"ephemeralSeconds", WB_INT, MUST, .help = "Messages disappear after so many seconds; 0: they stay."},
        END}};

static const struct wb_schema reaction_shape = {
    .name = "Reaction",
    .fields = (const struct wb_field[]){
        {"emoji", WB_STR, MUST},
        {"fromJid", WB_STR, MUST},
        {"fromName", WB_STR, MUST_OR_NULL},
        {"isFromMe", WB_BOOL, MUST},
        END}};

static const struct wb_schema mention_shape = {
    .name = "Mention",
    .fields = (const struct wb_field[]){
        {"jid", WB_STR, MUST},
        {"name", WB_STR, MUST_OR_NULL, .help = "As the number knows the person; its own name for itself."},
        END}};

static const struct wb_schema media_shape = {
    .name = "Media",
    .help = "The file of a message.",
    .fields = (const struct wb_field[]){
        {"state", WB_STR, MUST, .help = "waiting, downloading, ready, expired, failed or unavailable (view once)."},
        {"kind", WB_STR, MUST, .help = "image, video, gif, ptv, audio, voice, document or sticker."},
        {"mimetype", WB_STR, MUST_OR_NULL},
        {"filename", WB_STR, MUST_OR_NULL},
        {"size", WB_INT, MUST_OR_NULL, .help = "Bytes."},
        {"width", WB_INT, MUST_OR_NULL},
        {"height", WB_INT, MUST_OR_NULL},
        {"durationMs", WB_INT, MUST_OR_NULL},
        {"waveform", WB_LIST, MUST_OR_NULL, .item = WB_INT, .help = "64 numbers from 0 to 100."},
        {"pages", WB_INT, MUST_OR_NULL},
        {"isVoice", WB_BOOL, MUST},
        {"isAnimated", WB_BOOL, MUST},
        {"isViewOnce", WB_BOOL, MUST},
        {"sha256", WB_STR, MUST_OR_NULL, .help = "Of the content, in hex."},
        {"url", WB_STR, MUST, .help = "As mediaUrl."},
        {"thumbnailUrl", WB_STR, MUST_OR_NULL},
        {"error", WB_STR, MUST_OR_NULL, .help = "Why there is no file."},
        END}};

const struct wb_schema wb_shape_message = {
    .name = "Message",
    .fields = (const struct wb_field[]){
        {"id", WB_UUID, MUST},
        {"messageId", WB_STR, MUST},
        {"fromJid", WB_STR, MUST},
        {"fromNumber", WB_STR, MUST},
        {"fromName", WB_STR, MUST_OR_NULL},
        {"content", WB_STR, MUST},
        {"type", WB_REF, MUST, .ref = &message_type_shape},
        {"mediaUrl", WB_STR, MUST_OR_NULL, .help = "Absolute and signed; asking for it fetches the file first."},
        {"mediaCaption", WB_STR, MUST_OR_NULL},
        {"quotedMessageId", WB_STR, MUST_OR_NULL},
        {"quotedContent", WB_STR, MUST_OR_NULL},
        {"isFromMe", WB_BOOL, MUST},
        {"status", WB_REF, MUST, .ref = &wb_shape_message_status},
        {"error", WB_STR, WB_NULLABLE, .help = "Why it FAILED."},
        {"errorCode", WB_REF, WB_NULLABLE, .ref = &wb_error_code_shape},
        {"timestamp", WB_TIME, MUST},
        {"sentBy", WB_REF, WB_NULLABLE, .ref = &wb_agent_shape},
        {"editedAt", WB_TIME, WB_NULLABLE},
        {"revokedAt", WB_TIME, WB_NULLABLE},
        {"reactions", WB_LIST, 0, .ref = &reaction_shape},
        {"mentions", WB_LIST, 0, .ref = &mention_shape},
        {"location", WB_REF, 0, .ref = &wb_shape_location},
        {"contacts", WB_LIST, 0, .ref = &wb_shape_card},
        {"poll", WB_REF, 0, .ref = &wb_shape_poll},
        {"buttons", WB_LIST, 0, .ref = &wb_shape_button},
        {"event", WB_REF, 0, .ref = &wb_shape_event},
        {"media", WB_REF, 0, .ref = &media_shape},
        END}};

const struct wb_schema wb_shape_pagination = {
    .name = "Pagination",
    .fields = (const struct wb_field[]){
        {"limit", WB_INT, MUST},
        {"offset", WB_INT, MUST},
        {"total", WB_INT, MUST},
        {"hasMore", WB_BOOL, 0,
         .help = "true where a page of messages ends before its limit because its texts are long; go on "
                 "with `before`, or with offset + the number of rows."},
        END}};

const struct wb_schema wb_shape_chat_list_event = {
    .name = "ChatListEvent",
    .fields = (const struct wb_field[]){
        {"whatsappNumberId", WB_INT, MUST},
        {"chats", WB_LIST, MUST, .ref = &wb_shape_chat},
        {"pagination", WB_REF, MUST, .ref = &wb_shape_pagination},
        END}};

const struct wb_schema wb_shape_chat_history_event = {
    .name = "ChatHistoryEvent",
    .fields = (const struct wb_field[]){
        {"chatId", WB_UUID, MUST},
        {"messages", WB_LIST, MUST, .ref = &wb_shape_message},
        {"pagination", WB_REF, MUST, .ref = &wb_shape_pagination},
        {"order", WB_STR, MUST},
        END}};

const struct wb_schema wb_shape_chat_read_event = {
    .name = "ChatReadEvent",
    .fields = (const struct wb_field[]){
        {"whatsappNumberId", WB_INT, MUST},
        {"chatId", WB_UUID, MUST},
        PLACE(0),
        END}};

const struct wb_schema wb_shape_chat_updated_event = {
    .name = "ChatUpdatedEvent",
    .fields = (const struct wb_field[]){
        {"whatsappNumberId", WB_INT, MUST},
        {"chat", WB_REF, MUST, .ref = &wb_shape_chat},
        PLACE(MUST),
        END}};

const struct wb_schema wb_shape_chat_presence_event = {
    .name = "ChatPresenceEvent",
    .fields = (const struct wb_field[]){
        {"whatsappNumberId", WB_INT, MUST},
        {"chatId", WB_UUID, MUST},
        {"agent", WB_REF, MUST_OR_NULL, .ref = &wb_agent_shape},
        {"contact", WB_ENUM, 0, .choices = "composing|paused"},
        {"typing", WB_BOOL, 0},
        {"viewing", WB_BOOL, 0},
        END}};

const struct wb_schema wb_shape_message_new_event = MESSAGE_EVENT("MessageNewEvent");
const struct wb_schema wb_shape_message_updated_event = MESSAGE_EVENT("MessageUpdatedEvent");
const struct wb_schema wb_shape_message_media_event = MESSAGE_EVENT("MessageMediaEvent");

const struct wb_schema wb_shape_message_status_event = {
    .name = "MessageStatusEvent",
    .fields = (const struct wb_field[]){
        {"whatsappNumberId", WB_INT, MUST},
        {"chatId", WB_UUID, MUST},
        {"messageId", WB_STR, MUST},
        {"status", WB_REF, MUST, .ref = &wb_shape_message_status},
        {"error", WB_STR, 0, .help = "Why it FAILED."},
        {"errorCode", WB_REF, 0, .ref = &wb_error_code_shape},
        PLACE(MUST),
        END}};

const struct wb_schema wb_shape_whatsapp_status_event = {
    .name = "WhatsappStatusEvent",
    .fields = (const struct wb_field[]){
        {"whatsappNumberId", WB_INT, MUST},
        {"status", WB_STR, MUST},
        {"lastConnected", WB_TIME, MUST_OR_NULL},
        {"phoneNumber", WB_STR, MUST_OR_NULL},
        {"reason", WB_STR, WB_NULLABLE},
        {"retryAt", WB_TIME, WB_NULLABLE},
        {"scannedPhone", WB_STR, 0, .help = "With reason wrong_phone: the phone that scanned."},
        {"message", WB_STR, 0},
        {"timestamp", WB_TIME, 0},
        {"isTest", WB_BOOL, 0},
        PLACE(0),
        END}};

const struct wb_schema wb_shape_whatsapp_qr_event = {
    .name = "WhatsappQrEvent",
    .fields = (const struct wb_field[]){
        {"whatsappNumberId", WB_INT, MUST},
        {"qrCode", WB_STR, MUST},
        {"expiresAt", WB_TIME, MUST},
        PLACE(0),
        END}};

const struct wb_schema wb_shape_permission_changed_event = {
    .name = "PermissionChangedEvent",
    .fields = (const struct wb_field[]){
        {"whatsappNumberId", WB_INT, MUST},
        {"granted", WB_BOOL, MUST},
        END}};

const struct wb_schema wb_shape_resync_event = {
    .name = "ResyncEvent",
    .fields = (const struct wb_field[]){
        {"whatsappNumberId", WB_INT, MUST},
        PLACE(MUST),
        END}};

const struct wb_schema wb_shape_error_event = {
    .name = "ErrorEvent",
    .fields = (const struct wb_field[]){
        {"message", WB_STR, MUST},
        {"code", WB_STR, MUST},
        {"event", WB_STR, 0},
        {"retryAfterMs", WB_INT, 0},
        END}};

/* clang-format on */
