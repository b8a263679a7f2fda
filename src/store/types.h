/* Rows as the application sees them. Nothing here knows which database is behind.
 *
 * Conventions of every struct in this room:
 *  - ids are int64_t, never 0; 0 means "none". Sessions, chats and messages show themselves outside
 *    as UUIDs: st_uuid_format and st_uuid_parse (store.h) translate at the edge.
 *  - a field `…_at` is in milliseconds since 1970-01-01 UTC; 0 means "never".
 *  - a bx_str that may be absent has ptr == NULL then; it is written as NULL and read back so.
 *  - in a row that was read, texts and blobs live in the arena that the reader passed.
 *  - phone numbers are digits only; a `lid` is the digits before "@lid".
 */
#ifndef ST_TYPES_H
#define ST_TYPES_H

#include "base/str.h"

enum { ST_UUID_SIZE = 37 }; /* with NUL */

/* ---- people ---- */

enum st_role { ST_ROLE_USER, ST_ROLE_ADMIN };

struct st_user {
    int64_t id;
    struct bx_str name, username, email; /* username and email are unique without regard to case */
    struct bx_str password_hash;         /* argon2id string; never leaves the server */
    enum st_role role;
    bool is_active;
    int64_t created_at, updated_at;
};

/* A JWT that was issued. A token whose jti is not here, or is revoked, is not valid. */
struct st_token {
    struct bx_str jti;
    int64_t user_id;
    int64_t issued_at, expires_at, revoked_at;
    struct bx_str ip, user_agent;
};

enum st_scope { ST_SCOPE_READ = 1, ST_SCOPE_SEND = 2, ST_SCOPE_MANAGE = 4 };

struct st_api_key {
    int64_t id;
    struct bx_str name;
    struct bx_str key_hash; /* 32 bytes; lists leave it NULL */
    struct bx_str prefix;   /* the first characters, so that people can tell keys apart */
    unsigned scopes;        /* bits of st_scope */
    const int64_t *number_ids;
    size_t number_count; /* 0: every number */
    int64_t created_by;  /* user id */
    int64_t created_at, last_used_at, expires_at, revoked_at;
};

/* ---- numbers, sessions, permissions ---- */

struct st_number {
    int64_t id;
    struct bx_str name, phone;
    bool is_active;
    struct bx_str policy; /* JSON object, "{}" by default */
    int64_t created_at, updated_at;
    int64_t last_seq;                   /* of its event log; 0: nothing happened yet */
    int64_t last_activity_at;           /* newest stored message or link event */
    int64_t chat_count, archived_count; /* all chats; the archived ones among them */
};

enum st_link_status {
    ST_LINK_PENDING,
    ST_LINK_PAIRING,
    ST_LINK_CONNECTED,
    ST_LINK_DISCONNECTED,
    ST_LINK_RECONNECTING
};

/* The linked device of a number; a number has at most one. Credentials are read apart. */
struct st_session {
    int64_t id, number_id;
    struct bx_str number_name, number_phone;
    enum st_link_status status;
    bool is_active;
    bool has_credentials;
    int64_t last_connected_at;
    struct bx_str error_message, reason; /* what a person reads; "logged_out", "banned", … */
    int64_t retry_at;                    /* do not connect before (ban, time-lock) */
    struct bx_str jid, lid, push_name, platform;
    struct bx_str scanned_phone; /* digits; with reason "wrong_phone": whose phone scanned */
    int64_t created_at, updated_at;
};

struct st_permission {
    int64_t id, user_id, number_id;
    struct bx_str number_name, number_phone;
    bool number_is_active;
    int64_t created_at, updated_at;
};

/* ---- contacts, chats, groups ---- */

/* One person as one number knows them. Phone and LID are two names of one contact. */
struct st_contact {
    int64_t id, number_id;
    struct bx_str phone, lid; /* at least one is there */
    struct bx_str name;       /* address book */
    struct bx_str push_name;  /* what they call themselves */
    struct bx_str business_name;
    bool is_blocked;
    int64_t created_at, updated_at;
};

struct st_chat {
    int64_t id, number_id;
    int64_t contact_id; /* 0 in a group */
    struct bx_str jid;  /* the group's JID, or the contact's: phone form if known, else LID form */
    bool is_group;
    struct bx_str name;   /* group subject; else contact's name, push name or business name; may be
                             NULL */
    struct bx_str number; /* digits: the contact's phone, else the LID, else the group's id */
    struct bx_str last_message; /* preview, at most ST_PREVIEW_MAX bytes; may be NULL */
    int64_t last_message_id;    /* 0: no message yet */
    int64_t last_message_at;    /* never 0: creation when there is no message */
    bool last_is_from_me;
    int64_t unread_count;  /* always count(messages of the chat with is_unread); see store.h */
    bool is_marked_unread; /* "mark as unread" on the phone; apart from the count */
    bool is_pinned, is_archived;
    int64_t muted_until; /* -1: for ever */
    int64_t message_count;
    int64_t ephemeral_s;      /* messages disappear after; 0: they stay */
    int64_t ephemeral_set_at; /* as whoever set it says */
    struct bx_str meta;       /* JSON: group description, owner, addressing mode, …; may be NULL;
                           lists and searches leave it NULL */
    int64_t created_at, updated_at;
};

enum { ST_PREVIEW_MAX = 200 };

enum st_member_role { ST_MEMBER, ST_MEMBER_ADMIN, ST_MEMBER_OWNER };

struct st_member {
    int64_t contact_id;
    enum st_member_role role;
    struct bx_str phone, lid, name, push_name; /* of the contact; not written */
};

/* ---- messages ---- */

enum st_message_type {
    ST_TYPE_TEXT,
    ST_TYPE_IMAGE,
    ST_TYPE_VIDEO,
    ST_TYPE_AUDIO,
    ST_TYPE_DOCUMENT,
    ST_TYPE_STICKER,
    ST_TYPE_LOCATION,
    ST_TYPE_CONTACT,
    ST_TYPE_SYSTEM,
    ST_TYPE_REACTION,
    ST_TYPE_POLL,
    ST_TYPE_EVENT,  /* an appointment */
    ST_TYPE_UNKNOWN /* something newer than this program */
};

/* In this order; a message's status only grows. FAILED stands below SENT because a late
 * acknowledgement proves the failure wrong, while nothing unsends what was sent. */
enum st_status { ST_PENDING, ST_FAILED, ST_SENT, ST_DELIVERED, ST_READ };

enum st_message_flag {
    ST_MESSAGE_PLACEHOLDER = 1, /* could not be opened yet; st_message_fill completes it */
    ST_MESSAGE_VIEW_ONCE = 2,
    ST_MESSAGE_FORWARDED = 4,
    ST_MESSAGE_FROM_HISTORY = 8, /* came with history sync */
    ST_MESSAGE_NO_PREVIEW = 16   /* set by the store from st_message_new.keeps_preview */
};

struct st_message {
    int64_t id, number_id, chat_id;
    struct bx_str wa_id; /* chosen once, kept over retries */
    bool is_from_me;
    int64_t sender_id;                                   /* contact; 0 when from me */
    struct bx_str sender_phone, sender_lid, sender_name; /* of the sender contact; not written */
    enum st_message_type type;
    struct bx_str content; /* always filled: text, caption or a label as "[Image]" */
    struct bx_str caption; /* media only */
    struct bx_str file_name;
    unsigned flags; /* bits of st_message_flag */
    enum st_status status;
    bool is_unread; /* counts in its chat's unread_count */
    bool is_starred;
    bool has_media;
    int64_t timestamp; /* ms; the order of a chat is (timestamp, id) */
    struct bx_str quoted_wa_id, quoted_content;
    int64_t quoted_sender_id;   /* contact; 0: us or unknown */
    int64_t sent_by;            /* user id; 0: sent from the phone or received */
    struct bx_str sent_by_name; /* not written */
    struct bx_str client_id;    /* the sender's clientId, echoed so that it finds its bubble */
    int64_t stored_at, sent_at, delivered_at, read_at, failed_at;
    struct bx_str error; /* why it FAILED */
    int64_t edited_at, revoked_at;
    struct bx_str mentions; /* JSON array of JIDs; may be NULL */
    struct bx_str details;  /* JSON object: location, contacts, poll, buttons, event; may be NULL */
};

/* The newest vote or answer of one person. */
struct st_response {
    int64_t message_id, contact_id; /* 0: us */
    struct bx_str choice;           /* ids of options with a space between, or an answer */
    int64_t responded_at;
    struct bx_str contact_name, contact_phone, contact_lid; /* not written */
};

/* A change that waits for its message. */
struct st_change {
    int64_t id;
    struct bx_str change; /* whatever its keeper wrote */
};

struct st_reaction {
    int64_t message_id;
    int64_t contact_id; /* 0: us */
    struct bx_str emoji;
    int64_t reacted_at;
    struct bx_str contact_name, contact_phone; /* not written */
};

struct st_receipt {
    int64_t message_id, contact_id;
    int64_t delivered_at, read_at, played_at;
};

/* The numbers stand in the database. */
enum st_media_state {
    ST_MEDIA_WAITING, /* to be fetched: by itself at next_at, or when somebody asks (next_at 0) */
    ST_MEDIA_DOWNLOADING,
    ST_MEDIA_READY,      /* file_blob holds it */
    ST_MEDIA_EXPIRED,    /* WhatsApp and the phone have it no more */
    ST_MEDIA_FAILED,     /* `error` says why */
    ST_MEDIA_UNAVAILABLE /* linked devices do not get it (view once) */
};

enum st_media_flag { ST_MEDIA_ANIMATED = 1, ST_MEDIA_VIEW_ONCE = 2 };

/* The file of a message. */
struct st_media {
    int64_t message_id;
    int64_t number_id; /* not written: that of the message */
    enum st_media_state state;
    int64_t kind; /* the caller's */
    struct bx_str mime, file_name, direct_path, url, local_path;
    struct bx_str media_key, sha256, enc_sha256, thumbnail; /* blobs */
    int64_t size_bytes, width, height, duration_ms, pages;
    unsigned flags; /* enum st_media_flag */
    struct bx_str waveform;
    struct bx_str file_blob, thumb_blob; /* ids of the blob store, 32 bytes; counted in `blobs` */
    struct bx_str error;
    int64_t attempts, next_at;
    int64_t updated_at;
};

/* A message that waits for the wire; rows leave when the server acknowledged or gave up on. */
enum st_outbox_state { ST_OUTBOX_QUEUED, ST_OUTBOX_ON_WIRE, ST_OUTBOX_HELD };

struct st_outbox {
    int64_t id; /* order of sending within the number */
    int64_t message_id, number_id, chat_id;
    enum st_outbox_state state;
    int64_t attempts;
    int64_t not_before; /* next attempt */
    struct bx_str last_error;
    int64_t created_at;
};

/* ---- the rest ---- */

struct st_template {
    int64_t id;
    struct bx_str name, command /* with the leading "/" */, content;
    bool is_active;
    int64_t created_at, updated_at;
};

struct st_event {
    int64_t number_id, seq, at;
    int64_t chat_id;       /* 0: concerns the whole number */
    struct bx_str type;    /* "message:new", … */
    struct bx_str payload; /* JSON object without seq; the reader adds it */
};

struct st_audit {
    int64_t id, at;
    int64_t user_id, api_key_id, number_id; /* 0: none */
    struct bx_str action;                   /* "login", "permission.grant", … */
    struct bx_str target;                   /* "user:7", "chat:<uuid>", …; may be NULL */
    struct bx_str ip;
    struct bx_str details;                              /* JSON object; may be NULL */
    struct bx_str user_name, api_key_name, number_name; /* not written */
};

/* The answer kept for an idempotency key. */
struct st_idempotency {
    int64_t principal; /* user id, or -(api key id) */
    struct bx_str key;
    struct bx_str request_hash; /* blob, of method, path and body */
    int64_t message_id;         /* what it made; 0: nothing yet */
    int64_t http_status;
    struct bx_str response; /* JSON; NULL: still under way */
    int64_t created_at;
};

/* Signal and app-state material: opaque blobs named by number, kind and name. */
enum st_key_kind {
    ST_KEY_IDENTITY = 1,      /* address -> public key and trust */
    ST_KEY_SESSION = 2,       /* address -> session record */
    ST_KEY_PREKEY = 3,        /* id -> key pair */
    ST_KEY_SIGNED_PREKEY = 4, /* id -> record */
    ST_KEY_SENDER_KEY = 5,    /* group::address -> record */
    ST_KEY_SENDER_KEY_MEMORY = 6,
    ST_KEY_PN_TO_LID = 7,
    ST_KEY_LID_TO_PN = 8,
    ST_KEY_DEVICE_LIST = 9,
    ST_KEY_APP_STATE_KEY = 10,
    ST_KEY_APP_STATE_VERSION = 11,
    ST_KEY_APP_STATE_MAC = 12,
    ST_KEY_PRIVACY_TOKEN = 13,
    ST_KEY_MESSAGE_SECRET = 14,
    ST_KEY_RETRY_COUNTER = 15,
    ST_KEY_SENT_MESSAGE = 16, /* plaintext kept for retry receipts */
    ST_KEY_MISC = 17,         /* counters and whatever has one value per number */
    ST_KEY_USER = 64          /* from here on free for the caller; below 256 */
};

struct st_key {
    struct bx_str name, value; /* both may hold any bytes */
    int64_t updated_at;
};

#endif
