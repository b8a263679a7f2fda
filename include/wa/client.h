/* A linked number: connection, login, linking, queues. See wa/wa.h for the idea.
 *
 * Loop thread only. Callbacks come on the loop thread, never before the call that caused them
 * returned, and may call anything here, wa_client_free included.
 */
#ifndef WA_CLIENT_H
#define WA_CLIENT_H

#include "net/loop.h"
#include "net/tls.h"
#include "wa/job.h"
#include "wa/outgoing.h"

struct wa_client;

enum wa_state {
    WA_STATE_PENDING,      /* stopped, or started without credentials and not yet asked to scan */
    WA_STATE_PAIRING,      /* a QR or code is outstanding */
    WA_STATE_CONNECTED,    /* logged in */
    WA_STATE_RECONNECTING, /* has credentials, link is down, tries again at retry_at_ms */
    WA_STATE_DISCONNECTED  /* final until the user acts; see the reason */
};

enum wa_reason {
    WA_REASON_NONE,
    WA_REASON_STOPPED,     /* wa_client_stop */
    WA_REASON_LOST,        /* connection broke, or could not be made */
    WA_REASON_TIMEOUT,     /* connected but dead, or no answer to the login */
    WA_REASON_RESTART,     /* the server asked for a new connection (515) */
    WA_REASON_UNAVAILABLE, /* the server is unavailable (500, 503) */
    WA_REASON_QR_EXPIRED,  /* nobody scanned: start again for new ones */
    WA_REASON_LOGGED_OUT,  /* unlinked, by the phone or by us; credentials are gone */
    WA_REASON_REPLACED,    /* this device is connected elsewhere */
    WA_REASON_BANNED,      /* retry_at_ms when temporary */
    WA_REASON_OUTDATED,    /* this client version is no longer accepted */
    WA_REASON_REFUSED,     /* the login was refused (detail is the code) */
    WA_REASON_UNTRUSTED,   /* the server could not prove who it is; retry_at_ms is set */
    WA_REASON_STORE,       /* a job could not be committed */
    WA_REASON_PAIR_FAILED, /* the phone's answer did not verify */
    WA_REASON_WRONG_PHONE, /* another phone scanned than on_scanned accepts */
    WA_REASONS
};

struct wa_status_info {
    enum wa_state state;
    enum wa_reason reason;
    int detail;          /* code of the server (401, 515 ...) or negative rc; 0: none */
    int64_t retry_at_ms; /* wall clock; 0: no automatic attempt */
};

const char *wa_state_name(enum wa_state state);    /* "CONNECTED" */
const char *wa_reason_name(enum wa_reason reason); /* "logged_out" */
const char *wa_reason_sentence(enum wa_reason reason);

enum wa_typing { WA_TYPING_PAUSED, WA_TYPING_COMPOSING, WA_TYPING_RECORDING };

struct wa_fetch; /* one HTTP GET that the session asked for */

struct wa_client_ops {
    /* Schedule it on the number's lane: see wa/job.h. Required. */
    void (*on_job)(struct wa_client *c, struct wa_job *job, void *arg);
    /* Every change of state or reason; the last stays readable with wa_client_status. Required. */
    void (*on_state)(struct wa_client *c, const struct wa_status_info *status, void *arg);
    /* A QR text to show now; the one before is void. Borrowed. */
    void (*on_qr)(struct wa_client *c, struct bx_str text, int64_t expires_at_ms, void *arg);
    /* "ABCD-1234", to be typed on the phone. Borrowed. */
    void (*on_pairing_code)(struct wa_client *c, const char *code, int64_t expires_at_ms,
                            void *arg);
    /* This account (digits, without a country prefix sign) has scanned the code. False refuses it:
     * nothing of it is stored, its phone is told that linking failed, and the session ends with
     * WA_REASON_WRONG_PHONE. NULL: every account is accepted. Borrowed. */
    bool (*on_scanned)(struct wa_client *c, struct bx_str pn, void *arg);
    /* Transient, never stored: may be NULL. */
    void (*on_typing)(struct wa_client *c, const struct wa_peer *chat, const struct wa_peer *person,
                      enum wa_typing typing, void *arg);
    void (*on_presence)(struct wa_client *c, const struct wa_peer *person, bool is_available,
                        int64_t last_seen_ms, void *arg);
    /* All that had queued up while we were away was handed out as jobs. May be NULL. */
    void (*on_offline_done)(struct wa_client *c, unsigned count, void *arg);
    /* A wa_client_send did not reach the server and is to be sent again, same id, once CONNECTED
     * (rc BX_E_CLOSED, BX_E_TIMEOUT, or the rc of a job's store). Final results come as
     * WA_EVENT_SENT. Required when sending. */
    void (*on_unsent)(struct wa_client *c, struct bx_str id, int rc, void *arg);
    /* Download url (https) and answer with wa_fetch_done, later, from the loop. NULL: blobs are not
     * downloaded, so only inline history arrives. */
    void (*on_fetch)(struct wa_client *c, struct wa_fetch *fetch, const char *url, size_t max_bytes,
                     void *arg);
    /* The device has left: its credentials are gone, and the server was told or could not be. After
     * DISCONNECTED/LOGGED_OUT, for whoever unlinked it. Here, not before, frees the session who has
     * no more use for it. May be NULL. */
    void (*on_left)(struct wa_client *c, void *arg);
    /* wa_client_free has ended; the last callback. May be NULL. */
    void (*on_freed)(void *arg);
};

struct wa_client_opts {
    const char *url;         /* NULL: wss://web.whatsapp.com/ws/chat. Copied */
    struct net_tls_ctx *tls; /* kept; NULL: the system's store */
    /* Root keys (32 bytes each) of accepted servers; NULL: WhatsApp's own. Copied. */
    const uint8_t (*roots)[32];
    size_t root_count;
    bool is_cert_unchecked; /* tests against servers without a proper chain */
    const char *os;         /* name on the phone's list of devices; NULL: "WaBox" */
    const char *push_name;  /* sent at registration; NULL: none. Copied */
    const char *version;    /* "2.3000.x"; NULL: built in. Copied */
    const char *media_host; /* "https://host[:port]" for blobs; NULL: https://mmg.whatsapp.net */
    bool is_available;      /* announce presence and send active receipts; default: in background */
    bool is_full_history;   /* ask the phone for all of it */
    unsigned prekey_count;  /* first upload; 0: 812 */
    unsigned backoff_max_s; /* 0: 60 */
    uint64_t start_delay_ms; /* wait before the first connection, to spread many numbers */
};

/* Copies opts, keeps ops and loop. Returns the session in state PENDING. BX_E_INVALID: bad url or
 * version. */
int wa_client_new(struct net_loop *loop, const struct wa_client_opts *opts,
                  const struct wa_client_ops *ops, void *arg, struct wa_client **out);
/* Disconnects at once, also what wa_client_logout still does; callbacks end (but on_freed). Memory
 * goes when the last job came back. */
void wa_client_free(struct wa_client *c);
void *wa_client_arg(const struct wa_client *c);

/* The version of every connection from now on; NULL: the built-in one. BX_E_INVALID. */
int wa_client_set_version(struct wa_client *c, const char *version);

/* Loads the credentials of the keystore and no more, for a session that is not started: its user
 * may then delete them from the store before wa_client_logout, which still unlinks. */
void wa_client_load(struct wa_client *c);
/* Loads the credentials of the keystore and connects. Without any: links, by QR; with
 * phone_number (digits) by a code as well. Also after DISCONNECTED, to try again. When started
 * already, a phone_number is kept for when pairing begins, and a wait for the next attempt ends. */
void wa_client_start(struct wa_client *c, const char *phone_number);
/* Asks for a pairing code while PAIRING by QR. BX_E_STATE, BX_E_INVALID (no digits). */
int wa_client_link_by_code(struct wa_client *c, const char *phone_number);
/* Disconnects, keeps everything: state DISCONNECTED/STOPPED. */
void wa_client_stop(struct wa_client *c);
/* Unlinks this device: a WA_EVENT_UNLINKED job that drops the credentials, DISCONNECTED/LOGGED_OUT,
 * then on_left. When connected the server is asked before. When not, or when it did not answer, the
 * session connects once more after, for 10 s at most and only to ask: nothing of that connection is
 * told or acknowledged, and the session may be started meanwhile, to link anew. Without a network
 * the phone lists the device until WhatsApp drops it. */
void wa_client_logout(struct wa_client *c);

const struct wa_status_info *wa_client_status(const struct wa_client *c);
/* Ours, "" before linking; valid until the next callback. */
struct bx_str wa_client_jid(const struct wa_client *c);
struct bx_str wa_client_lid(const struct wa_client *c);

/* Sends, in the order of calls. Exactly one answer: WA_EVENT_SENT in a job or on_unsent.
 * BX_E_STATE: not CONNECTED, no answer follows; BX_E_FULL: more than 4096 waiting; BX_E_INVALID. */
int wa_client_send(struct wa_client *c, const struct wa_outgoing *message);

/* Read receipts for messages of one author. sender: author's JID, needed in groups. BX_E_STATE. */
int wa_client_mark_read(struct wa_client *c, struct bx_str chat, struct bx_str sender,
                        const struct bx_str *ids, size_t count);
int wa_client_set_typing(struct wa_client *c, struct bx_str chat, enum wa_typing typing);
int wa_client_set_available(struct wa_client *c, bool is_available);
/* on_presence and on_typing for that person, for this connection. */
int wa_client_subscribe(struct wa_client *c, struct bx_str person);
/* Fetches groups (one, or with NULL all) anew: WA_EVENT_GROUP. */
int wa_client_refresh_groups(struct wa_client *c, struct bx_str group);
/* Asks the server about a phone number: WA_EVENT_LID and device list when it is on WhatsApp. */
int wa_client_check_number(struct wa_client *c, struct bx_str digits,
                           void (*on_result)(struct wa_client *c, struct bx_str digits, int rc,
                                             struct bx_str jid, void *arg));

/* Answer of on_fetch; takes the fetch; copies body. rc BX_E_NOT_FOUND and so on. Also required
 * after wa_client_free. */
void wa_fetch_done(struct wa_fetch *fetch, int rc, struct bx_str body);

/* Bytes that this session holds, for metrics. */
size_t wa_client_memory(const struct wa_client *c);

#endif
