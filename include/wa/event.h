/* What a job found out, for the user to store in the job's transaction. Every slice is borrowed
 * from the job and dies with wa_job_finish. An absent text has ptr NULL.
 *
 * People have two identities, a phone number and a hidden one (LID). Everything here that names
 * somebody carries whichever of both is known; a user keyed by contact should merge on either.
 */
#ifndef WA_EVENT_H
#define WA_EVENT_H

#include "base/str.h"

/* A person, group or broadcast list. */
struct wa_peer {
    struct bx_str jid; /* "user@server" without device, as the stanza addressed it */
    struct bx_str pn;  /* digits of the phone number; NULL: not known, or no person */
    struct bx_str lid; /* digits of the LID; NULL: not known, or no person */
    bool is_group, is_me;
};

enum wa_event_kind {
    WA_EVENT_PAIRED,   /* .account: linked; the credentials are in the keystore now */
    WA_EVENT_UNLINKED, /* the device is no longer linked: wipe this number's keystore */
    /* .message: from anybody, our other devices included. After retries and resends the same id may
     * come again: keep it once. */
    WA_EVENT_MESSAGE,
    WA_EVENT_EDIT,      /* .change: new text of a message */
    WA_EVENT_REVOKE,    /* .change: deleted for everyone */
    WA_EVENT_REACTION,  /* .change: text is the emoji, empty: taken back */
    WA_EVENT_PIN,       /* .change: pinned for all of the chat, or with is_undone unpinned */
    WA_EVENT_VOTE,      /* .change: votes, of who sent it; none: taken back */
    WA_EVENT_ANSWER,    /* .change: answer to an invitation, of who sent it */
    WA_EVENT_RECEIPT,   /* .receipt: a message of ours moved up the status ladder */
    WA_EVENT_SENT,      /* .sent: the server took a message of ours, or refused it */
    WA_EVENT_READ_SELF, /* .chat: we read it on another device; .receipt_ids name what, or all */
    WA_EVENT_CHAT,      /* .chat: a fact about a chat (history or app state) */
    WA_EVENT_CONTACT,   /* .contact: names of a person */
    WA_EVENT_LID,       /* .contact: phone number and LID are one person */
    WA_EVENT_ACCOUNT,   /* .account_of: a number that was written to is the account of another */
    WA_EVENT_PUSH_NAME, /* .contact: our own push name */
    WA_EVENT_GROUP,     /* .group: subject and members, complete */
    WA_EVENT_IDENTITY_CHANGED, /* .contact: new security code; trusted automatically */
    WA_EVENT_HISTORY_DONE,     /* .progress: a chunk of history ends here */
    WA_EVENT_MEDIA_RETRY,      /* .media_retried: the phone's answer to wa_client_media_retry */
    WA_EVENT_CALL,             /* .call: somebody rings; nobody can answer here */
    WA_EVENT_KINDS
};

enum wa_message_kind {
    WA_KIND_TEXT,
    WA_KIND_IMAGE,
    WA_KIND_VIDEO,
    WA_KIND_AUDIO,
    WA_KIND_DOCUMENT,
    WA_KIND_STICKER,
    WA_KIND_LOCATION,
    WA_KIND_CONTACT,
    WA_KIND_POLL,
    WA_KIND_SYSTEM,        /* calls, settings: shown as a line */
    WA_KIND_UNDECRYPTABLE, /* a placeholder; the same id comes again when a retry heals it */
    WA_KIND_EVENT,         /* an appointment to which people are invited */
    WA_KIND_UNKNOWN        /* a person or company said something newer than this program */
};

enum wa_origin {
    WA_ORIGIN_LIVE,
    WA_ORIGIN_OFFLINE, /* queued while we were away: counts as new */
    WA_ORIGIN_HISTORY, /* from the phone's past: counts as unread only when is_unread says so */
    WA_ORIGIN_RESEND   /* the phone's copy of one that we could not decrypt */
};

/* The only part of the ladder that receipts speak of; FAILED and SENT come with WA_EVENT_SENT. */
enum wa_status {
    WA_STATUS_FAILED,
    WA_STATUS_SENT,
    WA_STATUS_DELIVERED,
    WA_STATUS_READ,
    WA_STATUS_PLAYED
};

/* What a message holds beside its text. A text of it that is not there has ptr NULL. */
struct wa_location {
    double latitude, longitude;
    struct bx_str name, address;
    bool is_live;
};

struct wa_card_phone {
    struct bx_str number; /* as written */
    struct bx_str wa_id;  /* digits of its WhatsApp account */
};

struct wa_card {
    struct bx_str name;
    const struct wa_card_phone *phones;
    size_t phone_count;
};

struct wa_poll {
    struct bx_str question;
    const struct bx_str *options;
    size_t option_count;
    uint32_t selectable; /* 0: any number */
};

struct wa_button {
    struct bx_str id, text, url;
};

struct wa_gathering {
    struct bx_str name, description, place;
    int64_t starts_at_ms, ends_at_ms; /* 0: not said */
    bool is_canceled;
};

struct wa_details {
    const struct wa_location *location;
    const struct wa_card *cards;
    size_t card_count;
    const struct wa_poll *poll;
    const struct wa_button *buttons;
    size_t button_count;
    const struct wa_gathering *gathering;
};

struct wa_message {
    struct bx_str id;
    struct wa_peer chat;
    struct wa_peer sender;
    bool is_from_me;
    enum wa_origin origin;
    enum wa_status status; /* history of our own messages; otherwise SENT */
    int64_t timestamp_ms;
    enum wa_message_kind kind;
    struct bx_str text;      /* text or caption; valid UTF-8; NULL: none */
    struct bx_str label;     /* never empty: the text, or something like "[Image]" */
    struct bx_str type_name; /* "conversation", "image", "poll" ...: what it really was */
    struct bx_str push_name;
    struct bx_str quoted_id, quoted_text;
    struct wa_peer quoted_sender;
    const struct bx_str *mentions; /* JIDs */
    size_t mention_count;
    struct bx_str mimetype, file_name;
    uint64_t file_size;
    uint32_t seconds;
    uint32_t ephemeral_s;        /* disappears after; 0: stays */
    int64_t ephemeral_set_at_ms; /* when the chat's timer was set, as the sender knows it */
    bool is_view_once, is_forwarded, is_voice;
    bool is_unread; /* history: the phone counts it among the unread ones */
    struct wa_details details;
    struct bx_str raw; /* the unwrapped Message protobuf, for later use (media, forwards) */
};

/* Something that happened to an earlier message, or is said to have: chat and sender are vouched for
 * by the server, whose the target is and whether the sender may do it is for the user to check. */
struct wa_change {
    struct bx_str id;        /* of the stanza that brought it */
    struct bx_str target_id; /* the message it is about */
    struct wa_peer chat, sender;
    bool is_from_me; /* the change */
    /* Whose the target is, as the change says; neither: it does not say. */
    bool is_target_from_me;
    struct wa_peer author;
    bool is_by_admin; /* REVOKE: in the form of a group's administrator */
    bool is_undone;   /* PIN */
    struct bx_str text, label;
    const struct bx_str *votes; /* VOTE: SHA-256 of each chosen option's text */
    size_t vote_count;
    enum wa_answer {
        WA_ANSWER_UNKNOWN,
        WA_ANSWER_GOING,
        WA_ANSWER_NOT_GOING,
        WA_ANSWER_MAYBE
    } answer;
    int64_t timestamp_ms;
    enum wa_origin origin;
    struct wa_details details; /* EDIT of a poll or an appointment */
    struct bx_str raw;         /* edits: the new Message */
};

struct wa_receipt {
    struct wa_peer chat;
    struct wa_peer sender;    /* whose receipt it is */
    const struct bx_str *ids; /* messages of ours */
    size_t id_count;
    enum wa_status status; /* DELIVERED, READ or PLAYED */
    int64_t timestamp_ms;
};

struct wa_sent {
    struct bx_str id;
    struct bx_str to;
    int rc;          /* BX_OK: SENT. Else FAILED for good: BX_E_DENIED (server_code says why),
                      * BX_E_NOT_FOUND (not on WhatsApp), BX_E_CRYPTO, BX_E_INVALID */
    int server_code; /* 463, 479 ...; 0 */
    int64_t timestamp_ms;
};

enum wa_flag { WA_FLAG_UNKNOWN, WA_FLAG_NO, WA_FLAG_YES };

struct wa_chat_info {
    struct wa_peer chat;
    struct bx_str name; /* group subject or contact name; NULL: not said */
    enum wa_flag is_pinned, is_archived, is_muted, is_read; /* is_read NO: marked unread */
    int64_t pinned_at_ms;
    int64_t muted_until_ms;           /* -1: for ever */
    int64_t last_message_ms;          /* 0: not said */
    int32_t unread_count;             /* -1: not said */
    enum wa_flag is_deleted;          /* deleted or cleared on the phone */
    const struct bx_str *receipt_ids; /* WA_EVENT_READ_SELF: messages read; none: all until now */
    size_t receipt_id_count;
    int64_t timestamp_ms;
    bool is_history;
    bool has_timer;       /* what follows is said */
    uint32_t ephemeral_s; /* messages disappear after; 0: they stay */
    int64_t ephemeral_set_at_ms;
};

struct wa_contact {
    struct wa_peer person;
    struct bx_str
        full_name; /* from the address book of the phone; empty: removed; NULL: not said */
    struct bx_str push_name;     /* what the person calls himself; NULL: not said */
    struct bx_str verified_name; /* businesses */
};

struct wa_member {
    struct wa_peer person;
    bool is_admin, is_superadmin;
};

struct wa_group {
    struct wa_peer chat;
    struct bx_str subject;
    bool is_lid_addressed, is_announcement, is_gone; /* gone: we are no longer a member */
    bool is_locked; /* only administrators change settings and pin */
    const struct wa_member *members;
    size_t member_count;
    uint32_t ephemeral_s;
};

struct wa_account {
    struct bx_str jid, lid; /* with device */
    struct bx_str pn;       /* digits */
    struct bx_str platform; /* of the phone: "android", "iphone", "smba" */
    struct bx_str business_name;
    uint16_t device;
};

struct wa_call_info {
    struct bx_str id;
    struct wa_peer from;
    bool is_video, is_end;
    int64_t timestamp_ms;
};

/* Open it with wa_media_retry_open and the media key of the message. */
struct wa_media_retried {
    struct bx_str id; /* of the message */
    struct wa_peer chat, sender;
    bool is_from_me;
    int error; /* 2: the phone does not have it any more; 0: none, `sealed` has the answer */
    struct bx_str sealed, iv;
};

struct wa_event {
    enum wa_event_kind kind;
    union {
        struct wa_account account;
        struct wa_message message;
        struct wa_change change;
        struct wa_receipt receipt;
        struct wa_sent sent;
        struct wa_chat_info chat;
        struct wa_contact contact;
        struct wa_group group;
        struct wa_call_info call;
        struct wa_media_retried media_retried;
        struct {
            struct bx_str digits;   /* as it was written */
            struct wa_peer account; /* as WhatsApp has it */
        } account_of;
        struct {
            int sync_type, percent;
        } progress;
    };
    const struct wa_event *next; /* NULL: the last */
};

/* "message", "edit" ... for logs. */
const char *wa_event_name(enum wa_event_kind kind);

#endif
