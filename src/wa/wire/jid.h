/* A JID: user, server, device. Text form "user:device@server"; device 0 is not written.
 *
 * The same person has a phone-number JID (PN, "4917...@s.whatsapp.net") and a hidden one (LID,
 * "1234...@lid"); which of the two a stanza uses is the sender's choice, so compare users only
 * after mapping both to one kind.
 */
#ifndef WA_JID_H
#define WA_JID_H

#include "base/arena.h"
#include "base/str.h"

enum wa_server {
    WA_SERVER_NONE, /* no JID at all (zero value) */
    WA_SERVER_PN,   /* s.whatsapp.net; with an empty user it is the server itself */
    WA_SERVER_LID,
    WA_SERVER_HOSTED,
    WA_SERVER_HOSTED_LID,
    WA_SERVER_GROUP, /* g.us */
    WA_SERVER_BROADCAST,
    WA_SERVER_NEWSLETTER,
    WA_SERVER_CALL,
    WA_SERVER_BOT,
    WA_SERVER_LEGACY, /* c.us */
    WA_SERVER_MSGR,
    WA_SERVER_INTEROP,
    WA_SERVER_OTHER /* its name is in `server_name` */
};

struct wa_jid {
    enum wa_server server;
    uint16_t device;
    uint16_t integrator; /* interop only */
    struct bx_str user;
    struct bx_str server_name; /* of any server */
};

enum { WA_JID_TEXT_MAX = 256 };

#define WA_SERVER_JID BX_STR("@s.whatsapp.net")

/* Slices of text are borrowed. BX_E_INVALID: no '@', device not 0..65535, longer than
 * WA_JID_TEXT_MAX. An agent ("user.0:5", "user_1:5") of a PN or LID is dropped. */
int wa_jid_parse(struct bx_str text, struct wa_jid *out);

/* user may be empty; slices are borrowed. */
struct wa_jid wa_jid_make(enum wa_server server, struct bx_str user, uint16_t device);

/* Text in the arena, NUL behind it. */
struct bx_str wa_jid_text(struct bx_arena *arena, const struct wa_jid *jid);

const char *wa_server_name(enum wa_server server); /* "" for NONE and OTHER */
enum wa_server wa_server_find(struct bx_str name); /* OTHER when unknown */

/* Same user, server and device. */
bool wa_jid_equal(const struct wa_jid *a, const struct wa_jid *b);
/* Same user and server, whatever device. */
bool wa_jid_same_user(const struct wa_jid *a, const struct wa_jid *b);

static inline struct wa_jid wa_jid_without_device(struct wa_jid jid)
{
    jid.device = 0;
    return jid;
}

static inline bool wa_jid_is_pn(const struct wa_jid *j)
{
    return (j->server == WA_SERVER_PN && j->user.len) || j->server == WA_SERVER_HOSTED;
}

static inline bool wa_jid_is_lid(const struct wa_jid *j)
{
    return j->server == WA_SERVER_LID || j->server == WA_SERVER_HOSTED_LID;
}

static inline bool wa_jid_is_user(const struct wa_jid *j)
{
    return wa_jid_is_pn(j) || wa_jid_is_lid(j);
}

static inline bool wa_jid_is_group(const struct wa_jid *j)
{
    return j->server == WA_SERVER_GROUP;
}

static inline bool wa_jid_is_server(const struct wa_jid *j)
{
    return j->server == WA_SERVER_PN && j->user.len == 0;
}

bool wa_jid_is_status(const struct wa_jid *j); /* status@broadcast */

#endif
