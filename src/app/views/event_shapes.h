/* Shapes of chats, messages and events: the rows of REST and the payloads of Socket.IO. */
#ifndef WB_EVENT_SHAPES_H
#define WB_EVENT_SHAPES_H

#include "app/core/schema.h"

extern const struct wb_schema wb_shape_session_status, wb_shape_message_status, wb_shape_chat,
    wb_shape_message, wb_shape_pagination, wb_shape_chat_list_event, wb_shape_chat_history_event,
    wb_shape_chat_read_event, wb_shape_chat_updated_event, wb_shape_chat_presence_event,
    wb_shape_message_new_event, wb_shape_message_updated_event, wb_shape_message_media_event,
    wb_shape_message_status_event, wb_shape_whatsapp_status_event, wb_shape_whatsapp_qr_event,
    wb_shape_permission_changed_event, wb_shape_resync_event, wb_shape_error_event;

#endif
