/* A message to send. Everything is copied by wa_client_send. */
#ifndef WA_OUTGOING_H
#define WA_OUTGOING_H

#include "base/str.h"

enum wa_outgoing_kind {
    WA_SEND_TEXT,     /* text, optionally quoting and mentioning */
    WA_SEND_REACTION, /* text: the emoji, empty takes it back; target */
    WA_SEND_EDIT,     /* text: the new one; target (our own message) */
    WA_SEND_REVOKE,   /* target */
    WA_SEND_RAW       /* raw: a Message protobuf made elsewhere (a forward, uploaded media) */
};

/* An earlier message that this one is about. */
struct wa_target {
    struct bx_str id;
    struct bx_str sender; /* JID of its author ("user@server"); NULL when is_from_me */
    bool is_from_me;
};

struct wa_outgoing {
    enum wa_outgoing_kind kind;
    struct bx_str id; /* chosen once, kept over every retry: wa_message_id_make */
    struct bx_str to; /* JID of the chat: user@s.whatsapp.net, user@lid, group@g.us */
    struct bx_str text;
    struct wa_target target;
    struct wa_target quoted; /* id NULL: no quote */
    struct bx_str quoted_text;
    struct bx_str quoted_raw; /* the quoted Message protobuf, when there is one; else quoted_text */
    const struct bx_str *mentions; /* JIDs */
    size_t mention_count;
    struct bx_str raw;
    uint32_t ephemeral_s;        /* the chat's disappearing timer; 0: none */
    int64_t ephemeral_set_at_ms; /* when it was set; 0: not known */
};

enum { WA_MESSAGE_ID_SIZE = 23 };
/* "3EB0" and 18 random hex digits, with NUL. */
void wa_message_id_make(char out[WA_MESSAGE_ID_SIZE]);

#endif
