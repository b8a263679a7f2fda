#include "app/views/error_code.h"

#include "base/mem.h"

#include <fnmatch.h>

/* X(code, sentence): "*" stands for what varies in the sentence. The first row that fits counts, so
 * a general row stands behind the special ones. */
#define BY_SENTENCE(X)                                                                             \
    X("NOT_ON_WHATSAPP", "This number is not on WhatsApp*")                                        \
    X("WHATSAPP_REFUSED", "WhatsApp refused the message*")                                         \
    X("INVALID_CREDENTIALS", "Invalid credentials")                                                \
    X("TOO_MANY_LOGINS", "Too many failed login attempts. Try again in *")                         \
    X("RATE_LIMITED", "Rate limit exceeded*")                                                      \
    X("TOKEN_MISSING", "Access token is missing*")                                                 \
    X("AUTHORIZATION_MALFORMED", "The Authorization header is malformed*")                         \
    X("TOKEN_MALFORMED", "The access token is malformed*")                                         \
    X("TOKEN_INVALID", "The access token is not valid*")                                           \
    X("TOKEN_EXPIRED", "The access token has expired*")                                            \
    X("API_KEY_MALFORMED", "The API key is malformed*")                                            \
    X("API_KEY_EXPIRED", "The API key has expired*")                                               \
    X("API_KEY_REVOKED", "The API key was revoked*")                                               \
    X("TOKEN_REVOKED", "The access token was revoked*")                                            \
    X("API_KEY_INVALID", "The API key is not valid*")                                              \
    X("API_KEY_SCOPE", "This API key * scope *")                                                   \
    X("API_KEY_BOUND", "This API key is bound to its numbers*")                                    \
    X("API_KEY_NO_LOGIN", "An API key has no login to end*")                                       \
    X("ADMIN_REQUIRED", "Access denied. Administrator role required.")                             \
    X("NUMBER_FORBIDDEN", "Unauthorized access to WhatsApp number")                                \
    X("NUMBER_NOT_FOUND", "WhatsApp number* not found")                                            \
    X("NUMBER_EXISTS", "Phone number already exists")                                              \
    X("NUMBER_INACTIVE", "This WhatsApp number is not active*")                                    \
    X("CHAT_NOT_FOUND", "Chat not found*")                                                         \
    X("CONTACT_NOT_FOUND", "Contact not found*")                                                   \
    X("GROUP_NOT_FOUND", "This chat is not a group")                                               \
    X("NOT_IN_GROUP", "This number is not in that group")                                          \
    X("MESSAGE_NOT_FOUND", "Message not found*")                                                   \
    X("SESSION_NOT_FOUND", "*ession not found*")                                                   \
    X("SESSION_LOGGED_OUT", "This session is logged out*")                                         \
    X("QR_NOT_AVAILABLE", "*QR code*")                                                             \
    X("QUOTED_NOT_FOUND", "The quoted message is not in this chat*")                               \
    X("IDEMPOTENCY_MISMATCH", "This idempotency key was used for another message*")                \
    X("USER_NOT_FOUND", "User not found")                                                          \
    X("USERNAME_EXISTS", "Username already exists")                                                \
    X("EMAIL_EXISTS", "Email already exists")                                                      \
    X("CANNOT_DELETE_SELF", "You cannot delete your own account")                                  \
    X("LAST_ADMIN", "The last administrator cannot be *")                                          \
    X("WRONG_PASSWORD", "The current password is *")                                               \
    X("PASSWORD_TOO_SHORT", "*assword must be *")                                                  \
    X("PERMISSION_NOT_FOUND", "Permission not found")                                              \
    X("PERMISSION_EXISTS", "The user already has permission*")                                     \
    X("TEMPLATE_NOT_FOUND", "Chat template not found")                                             \
    X("COMMAND_EXISTS", "Command already exists*")                                                 \
    X("API_KEY_NOT_FOUND", "API key not found")                                                    \
    X("PHONE_INVALID", "* must be a phone number such as *")                                       \
    X("FIELD_REQUIRED", "* is required")                                                           \
    X("FIELD_INVALID", "* must *")                                                                 \
    X("NOTHING_TO_CHANGE", "Nothing to change*")                                                   \
    X("BODY_NOT_JSON", "The body *JSON*")                                                          \
    X("ORIGIN_NOT_ALLOWED", "This origin may not connect*")                                        \
    X("ADDRESS_UNKNOWN", "There is nothing at this address.")

/* X(code, status): what no row above names. */
#define BY_STATUS(X)                                                                               \
    X("SEND_FAILED", 0)                                                                            \
    X("INVALID_REQUEST", 400)                                                                      \
    X("UNAUTHENTICATED", 401)                                                                      \
    X("FORBIDDEN", 403)                                                                            \
    X("NOT_FOUND", 404)                                                                            \
    X("METHOD_NOT_ALLOWED", 405)                                                                   \
    X("TIMEOUT", 408)                                                                              \
    X("CONFLICT", 409)                                                                             \
    X("GONE", 410)                                                                                 \
    X("TOO_LARGE", 413)                                                                            \
    X("URI_TOO_LONG", 414)                                                                         \
    X("UNSUPPORTED_MEDIA_TYPE", 415)                                                               \
    X("UNPROCESSABLE", 422)                                                                        \
    X("TOO_MANY_REQUESTS", 429)                                                                    \
    X("HEADERS_TOO_LARGE", 431)                                                                    \
    X("INTERNAL_ERROR", 500)                                                                       \
    X("NOT_IMPLEMENTED", 501)                                                                      \
    X("UPSTREAM_FAILED", 502)                                                                      \
    X("UNAVAILABLE", 503)

static const struct {
    const char *code, *sentence;
} sentences[] = {
#define ROW(code, sentence) {code, sentence},
    BY_SENTENCE(ROW)
#undef ROW
};

static const struct {
    const char *code;
    int status;
} statuses[] = {
#define ROW(code, status) {code, status},
    BY_STATUS(ROW)
#undef ROW
};

#define CHOICE(code, unused) "|" code
const struct wb_schema wb_error_code_shape = {
    .name = "ErrorCode",
    .help = "Stable: decide by it, and translate it. More codes may come.",
    .choices = "UNKNOWN" BY_SENTENCE(CHOICE) BY_STATUS(CHOICE)};
#undef CHOICE

const char *wb_error_code(int status, const char *sentence)
{
    /* What the server itself failed at is told by the status: its sentence is no rule's. */
    for (size_t i = 0; status < 500 && i < BX_LEN(sentences); i++) {
        if (fnmatch(sentences[i].sentence, sentence, 0) == 0)
            return sentences[i].code;
    }
    for (size_t i = 0; i < BX_LEN(statuses); i++) {
        if (statuses[i].status == status)
            return statuses[i].code;
    }
    return status < 500 ? "INVALID_REQUEST" : "INTERNAL_ERROR";
}
