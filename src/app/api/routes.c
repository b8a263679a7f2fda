/* Every REST call of WaBox. A row is all there is to know about it. */
#include "app/api/routes.h"

#include "app/api/api_keys.h"
#include "app/api/audit.h"
#include "app/api/auth.h"
#include "app/api/chat_changes.h"
#include "app/api/chats.h"
#include "app/api/messages.h"
#include "app/api/numbers.h"
#include "app/api/people.h"
#include "app/api/permissions.h"
#include "app/api/realtime_api.h"
#include "app/api/sessions.h"
#include "app/api/stats.h"
#include "app/api/system.h"
#include "app/api/templates.h"
#include "app/api/users.h"
#include "app/rest/docs.h"
#include "app/views/shapes.h"
#include "base/mem.h"

/* Scopes of an api key; PERSON: no key can do this. */
#define READ ST_SCOPE_READ
#define SEND ST_SCOPE_SEND
#define MANAGE ST_SCOPE_MANAGE
#define PERSON 0x80u

/* clang-format off */
static const struct wb_route rows[] = {
    /* --- identity --- */
    {HTTP_POST, "/auth/login", "Auth", "Log in", wb_auth_login, wb_auth_login_check, WB_PUBLIC, 0, WB_ON_WRITER, WB_RATE_NORMAL,
     WB_HASHES, &wb_login_body, NULL, &wb_login_answer, 0, "login"},
    {HTTP_POST, "/login", "Auth", "Log in", wb_auth_login, wb_auth_login_check, WB_PUBLIC, 0, WB_ON_WRITER, WB_RATE_NORMAL,
     WB_HASHES | WB_ALIAS, &wb_login_body, NULL, &wb_login_answer, 0, "login"},
    {HTTP_GET, "/auth/me", "Auth", "The user who is logged in", wb_auth_me, NULL, WB_USER, 0, WB_ON_LOOP, WB_RATE_FREE,
     0, NULL, NULL, &wb_me_answer, 0, NULL},
    {HTTP_GET, "/me", "Auth", "The user who is logged in", wb_auth_me, NULL, WB_USER, 0, WB_ON_LOOP, WB_RATE_FREE,
     WB_ALIAS, NULL, NULL, &wb_me_answer, 0, NULL},
    {HTTP_GET, "/auth/verify", "Auth", "Is the token valid?", wb_auth_me, NULL, WB_USER, 0, WB_ON_LOOP, WB_RATE_FREE,
     0, NULL, NULL, &wb_me_answer, 0, NULL},
    {HTTP_PUT, "/auth/me", "Auth", "Change one's own name, e-mail or password", wb_auth_me_update, wb_auth_me_update_check, WB_USER, PERSON, WB_ON_WRITER, WB_RATE_HEAVY,
     WB_HASHES | WB_CONFLICTS, &wb_me_body, NULL, &wb_me_updated, 0, "user.update"},
    {HTTP_POST, "/auth/logout", "Auth", "Log out: revokes the token", wb_auth_logout, NULL, WB_USER, 0, WB_ON_WRITER, WB_RATE_NORMAL,
     0, NULL, NULL, &wb_done_shape, 0, "logout"},
    {HTTP_POST, "/logout", "Auth", "Log out: revokes the token", wb_auth_logout, NULL, WB_USER, 0, WB_ON_WRITER, WB_RATE_NORMAL,
     WB_ALIAS, NULL, NULL, &wb_done_shape, 0, "logout"},

    {HTTP_GET, "/users", "Users", "List users", wb_users_list, NULL, WB_ADMIN, PERSON, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, &wb_users_query, &wb_users_answer, 0, NULL},
    {HTTP_POST, "/users", "Users", "Create a user", wb_users_create, wb_users_hash, WB_ADMIN, PERSON, WB_ON_WRITER, WB_RATE_NORMAL,
     WB_HASHES | WB_CONFLICTS, &wb_user_body, NULL, &wb_user_changed, 201, "user.create"},
    {HTTP_GET, "/users/{id}", "Users", "One user", wb_users_get, NULL, WB_ADMIN, PERSON, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, NULL, &wb_user_answer, 0, NULL},
    {HTTP_PUT, "/users/{id}", "Users", "Change a user", wb_users_update, wb_users_hash, WB_ADMIN, PERSON, WB_ON_WRITER, WB_RATE_NORMAL,
     WB_HASHES | WB_CONFLICTS, &wb_user_update_body, NULL, &wb_user_changed, 0, "user.update"},
    {HTTP_DELETE, "/users/{id}", "Users", "Delete a user", wb_users_delete, NULL, WB_ADMIN, PERSON, WB_ON_WRITER, WB_RATE_NORMAL,
     WB_CONFLICTS, NULL, NULL, &wb_plain_done_shape, 0, "user.delete"},

    {HTTP_GET, "/api-keys", "API keys", "List keys", wb_api_keys_list, NULL, WB_ADMIN, PERSON, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, NULL, &wb_api_keys_answer, 0, NULL},
    {HTTP_POST, "/api-keys", "API keys", "Make a key; it is shown once", wb_api_keys_create, NULL, WB_ADMIN, PERSON, WB_ON_WRITER, WB_RATE_NORMAL,
     0, &wb_api_key_body, NULL, &wb_api_key_made, 201, "api-key.create"},
    {HTTP_GET, "/api-keys/{id}", "API keys", "One key", wb_api_keys_get, NULL, WB_ADMIN, PERSON, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, NULL, &wb_api_key_answer, 0, NULL},
    {HTTP_DELETE, "/api-keys/{id}", "API keys", "Revoke a key", wb_api_keys_delete, NULL, WB_ADMIN, PERSON, WB_ON_WRITER, WB_RATE_NORMAL,
     0, NULL, NULL, &wb_done_shape, 0, "api-key.delete"},

    /* --- WhatsApp numbers --- */
    {HTTP_GET, "/whatsapp", "Numbers", "List numbers", wb_numbers_list, NULL, WB_USER, READ, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, &wb_numbers_query, &wb_numbers_answer, 0, NULL},
    {HTTP_POST, "/whatsapp", "Numbers", "Add a number", wb_numbers_create, NULL, WB_ADMIN, MANAGE, WB_ON_WRITER, WB_RATE_NORMAL,
     WB_CONFLICTS, &wb_number_body, NULL, &wb_number_changed, 201, "number.create"},
    {HTTP_GET, "/whatsapp/{id}", "Numbers", "One number", wb_numbers_get, NULL, WB_USER, READ, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, NULL, &wb_number_answer, 0, NULL},
    {HTTP_PUT, "/whatsapp/{id}", "Numbers", "Change a number", wb_numbers_update, NULL, WB_ADMIN_OF_NUMBER, MANAGE, WB_ON_WRITER, WB_RATE_NORMAL,
     WB_CONFLICTS, &wb_number_update_body, NULL, &wb_number_changed, 0, "number.update"},
    {HTTP_PATCH, "/whatsapp/{id}/toggle-status", "Numbers", "Activate or deactivate a number", wb_numbers_toggle, NULL, WB_ADMIN_OF_NUMBER, MANAGE, WB_ON_WRITER, WB_RATE_NORMAL,
     0, NULL, NULL, &wb_number_changed, 0, "number.update"},
    {HTTP_DELETE, "/whatsapp/{id}", "Numbers", "Unlink and delete a number with its chats", wb_numbers_delete, NULL, WB_ADMIN_OF_NUMBER, MANAGE, WB_ON_WRITER, WB_RATE_NORMAL,
     0, NULL, NULL, &wb_plain_done_shape, 0, "number.delete"},

    /* --- sessions --- */
    {HTTP_GET, "/sessions", "Sessions", "Link states, CONNECTED first", wb_sessions_list, NULL, WB_USER, READ, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, &wb_sessions_query, &wb_sessions_answer, 0, NULL},
    {HTTP_POST, "/sessions/{whatsappNumberId}", "Sessions", "Link a number: waits at most 15 s for a QR, a code or CONNECTED", wb_sessions_link, NULL, WB_ADMIN_OF_NUMBER, MANAGE, WB_ON_WRITER, WB_RATE_NORMAL,
     WB_WAITS | WB_CONFLICTS | WB_UNAVAILABLE, NULL, &wb_session_link_query, &wb_session_answer_shape, 0, "session.link"},
    {HTTP_GET, "/sessions/{whatsappNumberId}", "Sessions", "The session of a number", wb_sessions_get, NULL, WB_OF_NUMBER, READ, WB_ON_LOOP, WB_RATE_NORMAL,
     0, NULL, NULL, &wb_session_answer_shape, 0, NULL},
    {HTTP_GET, "/sessions/{sessionId}/qr", "Sessions", "The QR code now valid", wb_sessions_qr, NULL, WB_OF_SESSION, READ, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, NULL, &wb_session_qr_answer, 0, NULL},
    {HTTP_PATCH, "/sessions/{sessionId}/status", "Sessions", "Stop (DISCONNECTED) or start again (PENDING)", wb_sessions_set_status, NULL, WB_ADMIN_OF_SESSION, MANAGE, WB_ON_WRITER, WB_RATE_NORMAL,
     WB_CONFLICTS, &wb_session_status_body, NULL, &wb_done_shape, 0, "session.status"},
    {HTTP_DELETE, "/sessions/{sessionId}", "Sessions", "Log the device out, keep the row", wb_sessions_logout, NULL, WB_ADMIN_OF_SESSION, MANAGE, WB_ON_WRITER, WB_RATE_NORMAL,
     0, NULL, NULL, &wb_done_shape, 0, "session.logout"},
    {HTTP_DELETE, "/sessions/{sessionId}/permanent", "Sessions", "Log out, wipe credentials, delete the row; chats stay", wb_sessions_erase, NULL, WB_ADMIN_OF_SESSION, MANAGE, WB_ON_WRITER, WB_RATE_NORMAL,
     0, NULL, NULL, &wb_done_shape, 0, "session.delete"},
    {HTTP_POST, "/sessions/{sessionId}/send-message", "Messages", "Send a text", wb_messages_send, NULL, WB_OF_SESSION, SEND, WB_ON_WRITER, WB_RATE_NORMAL,
     WB_CONFLICTS | WB_IDEMPOTENT, &wb_send_body, NULL, &wb_send_answer, 0, "send"},
    {HTTP_POST, "/sessions/{sessionId}/send", "Messages", "Send a text", wb_messages_send, NULL, WB_OF_SESSION, SEND, WB_ON_WRITER, WB_RATE_NORMAL,
     WB_CONFLICTS | WB_IDEMPOTENT | WB_ALIAS, &wb_send_body, NULL, &wb_send_answer, 0, "send"},

    /* --- chats and messages --- */
    {HTTP_GET, "/chats/{whatsappNumberId}", "Chats", "Chats of a number: pinned first, then newest", wb_chats_list, NULL, WB_OF_NUMBER, READ, WB_ON_LANE, WB_RATE_NORMAL,
     WB_KEPT, NULL, &wb_chats_query, &wb_chats_answer, 0, NULL},
    {HTTP_GET, "/chats/{whatsappNumberId}/search", "Chats", "Chats by name, number or subject", wb_chats_search, NULL, WB_OF_NUMBER, READ, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, &wb_chats_search_query, &wb_chats_search_answer, 0, NULL},
    {HTTP_GET, "/chats/{chatId}/messages", "Chats", "Messages of a chat: pages count from the newest", wb_chats_messages, NULL, WB_OF_CHAT, READ, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, &wb_history_query, &wb_history_answer, 0, NULL},
    {HTTP_PATCH, "/chats/{chatId}/read", "Chats", "Mark a chat read", wb_chats_read, NULL, WB_OF_CHAT, SEND, WB_ON_WRITER, WB_RATE_NORMAL,
     0, NULL, NULL, &wb_done_shape, 0, NULL},
    {HTTP_POST, "/chats", "Chats", "Open the chat with a phone number", wb_chats_open, NULL, WB_USER, SEND, WB_ON_WRITER, WB_RATE_NORMAL,
     0, &wb_chat_open_body, NULL, &wb_chat_answer, 201, "chat.open"},
    {HTTP_PATCH, "/chats/{chatId}", "Chats", "Pin, archive, mute, mark as unread or read", wb_chats_update, NULL, WB_OF_CHAT, SEND, WB_ON_WRITER, WB_RATE_NORMAL,
     0, &wb_chat_update_body, NULL, &wb_chat_answer, 0, "chat.update"},
    {HTTP_GET, "/contacts/{contactId}", "People", "A contact and the groups in common", wb_contacts_get, NULL, WB_OF_CONTACT, READ, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, NULL, &wb_contact_answer, 0, NULL},
    {HTTP_GET, "/groups/{chatId}", "People", "A group and its members", wb_groups_get, NULL, WB_OF_CHAT, READ, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, NULL, &wb_group_answer, 0, NULL},
    {HTTP_GET, "/messages/search", "Messages", "Full text over the numbers one may see", wb_messages_search, NULL, WB_USER, READ, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, &wb_search_query, &wb_search_answer, 0, NULL},
    {HTTP_GET, "/messages/{messageId}", "Messages", "A message with its delivery and who sent it", wb_messages_get, NULL, WB_OF_MESSAGE, READ, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, NULL, &wb_message_answer, 0, NULL},

    /* --- realtime --- */
    {HTTP_GET, "/realtime/status", "Realtime", "Is the socket service there?", wb_realtime_status, NULL, WB_USER, READ, WB_ON_LOOP, WB_RATE_NORMAL,
     0, NULL, NULL, &wb_realtime_status_answer, 0, NULL},
    {HTTP_POST, "/realtime/test-broadcast", "Realtime", "Send a test status to everybody who hears a number", wb_realtime_test_broadcast, NULL, WB_ADMIN, MANAGE, WB_ON_LANE, WB_RATE_NORMAL,
     0, &wb_test_broadcast_body, NULL, &wb_test_broadcast_answer, 0, NULL},
    {HTTP_GET, "/numbers/{id}/events", "Realtime", "The ordered event log of a number", wb_number_events, NULL, WB_OF_NUMBER, READ, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, &wb_events_query, &wb_events_answer, 0, NULL},

    /* --- permissions --- */
    {HTTP_GET, "/wapermission", "Permissions", "All permissions (ADMIN) or one's own", wb_permissions_list, NULL, WB_USER, READ, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, &wb_page_query, &wb_permissions_answer, 0, NULL},
    {HTTP_GET, "/wapermission/me", "Permissions", "One's own permissions", wb_permissions_me, NULL, WB_USER, READ, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, &wb_page_query, &wb_permissions_answer, 0, NULL},
    {HTTP_GET, "/wapermission/user/{userId}", "Permissions", "Permissions of a user (ADMIN, or oneself)", wb_permissions_of_user, NULL, WB_USER, READ, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, &wb_page_query, &wb_permissions_answer, 0, NULL},
    {HTTP_POST, "/wapermission", "Permissions", "Grant a user a number", wb_permissions_grant, NULL, WB_ADMIN, PERSON, WB_ON_WRITER, WB_RATE_NORMAL,
     WB_CONFLICTS, &wb_permission_body, NULL, &wb_permission_answer, 201, "permission.grant"},
    {HTTP_DELETE, "/wapermission/{id}", "Permissions", "Revoke a permission", wb_permissions_revoke, NULL, WB_ADMIN, PERSON, WB_ON_WRITER, WB_RATE_NORMAL,
     0, NULL, NULL, &wb_permission_answer, 0, "permission.revoke"},

    /* --- chat templates --- */
    {HTTP_GET, "/chat-templates", "Chat templates", "List templates", wb_templates_list, NULL, WB_USER, READ, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, &wb_templates_query, &wb_templates_answer, 0, NULL},
    {HTTP_GET, "/chat-templates/by-command/{cmd}", "Chat templates", "The template of a command", wb_templates_by_command, NULL, WB_USER, READ, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, NULL, &wb_template_answer, 0, NULL},
    {HTTP_GET, "/chat-templates/{id}", "Chat templates", "One template", wb_templates_get, NULL, WB_USER, READ, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, NULL, &wb_template_answer, 0, NULL},
    {HTTP_POST, "/chat-templates", "Chat templates", "Create a template", wb_templates_create, NULL, WB_ADMIN, MANAGE, WB_ON_WRITER, WB_RATE_NORMAL,
     WB_CONFLICTS, &wb_template_body, NULL, &wb_template_answer, 201, "template.create"},
    {HTTP_PUT, "/chat-templates/{id}", "Chat templates", "Change a template", wb_templates_update, NULL, WB_ADMIN, MANAGE, WB_ON_WRITER, WB_RATE_NORMAL,
     WB_CONFLICTS, &wb_template_update_body, NULL, &wb_template_answer, 0, "template.update"},
    {HTTP_DELETE, "/chat-templates/{id}", "Chat templates", "Delete a template", wb_templates_delete, NULL, WB_ADMIN, MANAGE, WB_ON_WRITER, WB_RATE_NORMAL,
     0, NULL, NULL, &wb_done_shape, 0, "template.delete"},

    {HTTP_GET, "/stats", "Statistics", "Messages per hour and how fast they were answered", wb_stats_hours, NULL, WB_USER, READ, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, &wb_stats_query, &wb_stats_answer, 0, NULL},

    /* --- the server itself --- */
    {HTTP_GET, "/audit", "Audit", "Who did what when, newest first", wb_audit_list, NULL, WB_ADMIN, PERSON, WB_ON_LANE, WB_RATE_NORMAL,
     0, NULL, &wb_audit_query, &wb_audit_answer, 0, NULL},
    {HTTP_GET, "/health", "Server", "Is it alive and can it write?", wb_health, NULL, WB_PUBLIC, 0, WB_ON_LOOP, WB_RATE_NORMAL,
     WB_NO_PREFIX | WB_UNAVAILABLE, NULL, NULL, &wb_health_answer, 0, NULL},
    {HTTP_GET, "/metrics", "Server", "Prometheus text", wb_metrics_get, NULL, WB_PUBLIC, 0, WB_ON_LANE, WB_RATE_NORMAL,
     WB_NO_PREFIX | WB_NOT_JSON, NULL, NULL, NULL, 0, NULL},
    {HTTP_GET, "/api", "Server", "Name and version", wb_api_about, NULL, WB_PUBLIC, 0, WB_ON_LOOP, WB_RATE_NORMAL,
     WB_NO_PREFIX, NULL, NULL, &wb_about_answer, 0, NULL},
    {HTTP_GET, "/api/docs.json", "Server", "This document (OpenAPI 3.1)", wb_docs_openapi, NULL, WB_PUBLIC, 0, WB_ON_LOOP, WB_RATE_NORMAL,
     WB_NO_PREFIX, NULL, NULL, &wb_document_shape, 0, NULL},
    {HTTP_GET, "/api/asyncapi.json", "Server", "The socket events (AsyncAPI 3.0)", wb_docs_asyncapi, NULL, WB_PUBLIC, 0, WB_ON_LOOP, WB_RATE_NORMAL,
     WB_NO_PREFIX, NULL, NULL, &wb_document_shape, 0, NULL},
    {HTTP_GET, "/api/postman.json", "Server", "The calls as a collection for Postman and Insomnia", wb_docs_postman, NULL, WB_PUBLIC, 0, WB_ON_LOOP, WB_RATE_NORMAL,
     WB_NO_PREFIX, NULL, NULL, &wb_document_shape, 0, NULL},
    {HTTP_GET, "/api/docs", "Server", "This document, to read and try", wb_docs_page, NULL, WB_PUBLIC, 0, WB_ON_LOOP, WB_RATE_NORMAL,
     WB_NO_PREFIX | WB_NOT_JSON, NULL, NULL, NULL, 0, NULL},
    {HTTP_GET, "/api/docs/{file}", "Server", "Files of that page", wb_docs_file, NULL, WB_PUBLIC, 0, WB_ON_LOOP, WB_RATE_NORMAL,
     WB_NO_PREFIX | WB_NOT_JSON, NULL, NULL, NULL, 0, NULL},
};
/* clang-format on */

const struct wb_route_list wb_routes = {rows, BX_LEN(rows)};
