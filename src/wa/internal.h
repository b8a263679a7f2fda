/* What the files of libwa's upper half share. Two halves with a clear border:
 *
 * - the loop half (client.c, request.c, stanza_table.c, send.c and the *_loop parts of features)
 *   owns struct wa_client and never sees a keystore;
 * - the lane half (functions that take a struct wa_job) sees the job, its inputs and the keystore,
 *   and touches of the client only `lane`, which belongs to it.
 *
 * What a job decides goes back to the loop as wants: stanzas to write, things to fetch.
 */
#ifndef WA_INTERNAL_H
#define WA_INTERNAL_H

#include "base/err.h"
#include "base/list.h"
#include "net/timer.h"
#include "wa/core/conn.h"
#include "wa/core/creds.h"
#include "wa/proto/message.pb-c.h"
#include "wa/signal/signal.h"
#include "wa/wa.h"

/* --- Jobs --- */

enum wa_want_kind {
    WA_WANT_NODE,      /* write node */
    WA_WANT_SEND,      /* queue op (a resend or peer message) */
    WA_WANT_APP_STATE, /* number: bit set of collections to fetch */
    WA_WANT_FETCH,     /* text: url; continue with job type `then` and its data */
    WA_WANT_JOB,       /* continue with job type `then` and its data, whose body is there */
    WA_WANT_GROUP,     /* text: group whose metadata are to be fetched */
    WA_WANT_PREKEYS,   /* look whether the server has enough */
    WA_WANT_TOKEN,     /* text: person whom we give a privacy token */
    WA_WANT_PUSH_NAME, /* text: how we are called from now on */
};

struct wa_job_type;
struct wa_send_op;
struct wa_blob;

struct wa_want {
    enum wa_want_kind kind;
    struct wa_node *node;
    struct bx_str text;
    uint64_t number;
    struct wa_send_op *op; /* owned until taken over by the loop */
    const struct wa_job_type *then;
    struct wa_blob *data; /* FETCH, JOB */
    struct wa_want *next;
};

struct wa_job_type {
    const char *name;
    int (*run)(struct wa_job *job); /* WA_JOB_MORE: once more after the commit */
    /* After the wants of a committed job were carried out; rc as given. May be NULL. Not called
     * when the client was freed. */
    void (*finish)(struct wa_job *job, int rc);
    void (*prepare)(struct wa_job *job); /* wa_job_prepare; may be NULL */
    void (*done)(struct wa_job *job);    /* last of all, whatever came of it; may be NULL */
};

struct wa_job {
    uint32_t magic;
    struct wa_client *client;
    const struct wa_job_type *type;
    struct bx_arena *in;    /* inputs: survive a second run */
    struct bx_arena out;    /* what a run made */
    struct wa_node *node;   /* the stanza or result it is about; NULL: none */
    struct wa_creds *creds; /* the client's at the time; one reference */
    struct wa_send_op *op;  /* sends: the operation; stays the client's */
    void *data;             /* in `in`, by type */
    uint64_t connection;    /* of which it was born: answers go nowhere else */
    bool is_available;      /* receipts are active ones */
    /* during and after a run: */
    const struct wa_keystore *ks;
    struct wa_signal *signal;
    struct wa_event *events, **events_tail;
    struct wa_want *wants, **wants_tail;
    void *result; /* by type, in `out` */
    bool is_prepared;
    struct wa_history *history; /* of a chunk, which stands in the client's list */
    struct bx_list history_node;
    uint64_t barrier; /* c->barriers when the job was made */
};

/* Loop. in: an arena to take (NULL: a fresh one). */
struct wa_job *wa_job_new(struct wa_client *c, const struct wa_job_type *type, struct bx_arena *in,
                          struct wa_node *node);
void wa_job_submit(struct wa_job *job);

/* Lane. Both are in the job's `out`, appended. */
struct wa_event *wa_job_event(struct wa_job *job, enum wa_event_kind kind);
struct wa_want *wa_job_want(struct wa_job *job, enum wa_want_kind kind);
void wa_job_send(struct wa_job *job, struct wa_node *node);

/* --- Peers: names of people in events --- */

/* Fills in the other identity from the keystore. Text in `out`. */
int wa_peer_of(struct wa_job *job, const struct wa_jid *jid, struct wa_peer *out);
int wa_peer_of_text(struct wa_job *job, struct bx_str jid, struct wa_peer *out);
bool wa_is_me(const struct wa_creds *creds, const struct wa_jid *jid);
struct wa_jid wa_me(const struct wa_creds *creds);     /* PN, with device */
struct wa_jid wa_me_lid(const struct wa_creds *creds); /* user.len 0 when unknown */
/* Learns and tells (WA_EVENT_LID) when new; either order of a and b; ignores what is no pair. */
int wa_learn_pair(struct wa_job *job, const struct wa_jid *a, const struct wa_jid *b);
int wa_learn_attrs(struct wa_job *job, const struct wa_node *node, const char *a, const char *b);

/* --- Requests --- */

enum { WA_IQ_TIMEOUT_MS = 30000, WA_ID_SIZE = 24 };

struct wa_request {
    struct bx_list node;
    char id[WA_ID_SIZE];
    uint64_t due_ms;
    /* answer: NULL when rc < 0 (BX_E_TIMEOUT, BX_E_CLOSED); an iq of type error gives rc by its
     * code and the answer. *arena as in wa_conn_handler. */
    void (*on_answer)(struct wa_client *c, struct wa_node *answer, struct bx_arena **arena, int rc,
                      void *arg);
    void *arg;
};

/* Sets the id of iq and sends it. Exactly one answer, unless this returns a failure. */
int wa_request_send(struct wa_client *c, struct wa_node *iq, uint32_t timeout_ms,
                    void (*on_answer)(struct wa_client *c, struct wa_node *answer,
                                      struct bx_arena **arena, int rc, void *arg),
                    void *arg);
/* True when the stanza was the answer of one. */
bool wa_request_answer(struct wa_client *c, struct wa_node *node, struct bx_arena **arena);
void wa_request_expire(struct wa_client *c, uint64_t now_ms);
void wa_request_fail_all(struct wa_client *c, int rc);
void wa_next_id(struct wa_client *c, char out[WA_ID_SIZE]);
int wa_iq_error(const struct wa_node *answer);

/* --- Sending --- */

struct wa_send_op {
    struct bx_list node;
    struct bx_arena arena;
    struct wa_outgoing out; /* copied into the arena; kind RAW for resends and peer messages */
    enum { WA_OP_USER, WA_OP_RESEND, WA_OP_PEER } origin;
    struct bx_str only;      /* RESEND: the one device */
    unsigned count;          /* RESEND: which attempt */
    struct wa_node *answers; /* RESEND: acknowledges the request, once the answer is on the wire */
    unsigned rounds;         /* of fetching what is missing */
    bool has_asked_bundles, has_asked_devices, has_asked_group, has_asked_account;
    bool is_busy;    /* a job or request works for it */
    uint64_t due_ms; /* waiting for its ack */
};

struct wa_send_op *wa_send_op_new(const struct wa_outgoing *out);
void wa_send_op_free(struct wa_send_op *op);
void wa_send_push(struct wa_client *c, struct wa_send_op *op);
void wa_send_next(struct wa_client *c);
/* A step came back: result NULL: rc of the store. */
struct wa_send_result;
void wa_send_stepped(struct wa_client *c, struct wa_send_op *op, struct wa_send_result *result,
                     int rc, bool is_current);
void wa_send_fail_all(struct wa_client *c, int rc);
void wa_send_on_ack(struct wa_client *c, struct wa_node *ack, struct bx_arena **arena);
void wa_send_expire(struct wa_client *c, uint64_t now_ms);

/* --- The client --- */

enum { WA_CLIENT_MAGIC = 0x57414331, WA_JOB_MAGIC = 0x57414a42, WA_SENDS_MAX = 4096 };

/* How a connection ended, and what follows (protocol map 1.7). */
enum wa_then { WA_THEN_STOP, WA_THEN_NOW, WA_THEN_BACKOFF, WA_THEN_ONCE, WA_THEN_UNLINK };
struct wa_ending {
    enum wa_reason reason;
    enum wa_then then;
    int detail;
    int64_t retry_at_ms; /* STOP: when a ban ends */
};
struct wa_ending wa_ending_of_stream_error(const struct wa_node *node);
struct wa_ending wa_ending_of_failure(const struct wa_node *node, int64_t now_ms);
struct wa_ending wa_ending_of_rc(int rc);

/* Lane's own memory: no transaction, lost with the process. */
struct wa_lane_state {
    struct {
        uint64_t hash;
        unsigned count;
    } retries[64]; /* how often we asked for a message again */
    unsigned next_retry;
    uint64_t answered[32]; /* retry requests that we answered */
    unsigned next_answered;
};

struct wa_pairing; /* features/pair.c */
struct wa_media_hosts;

/* unlink.c */
enum wa_leaving {
    WA_LEAVING_NOT,
    WA_LEAVING_ASKS, /* logged in: waits for the answer to its removal */
    WA_LEAVING_DROPS /* a job drops the credentials */
};
struct wa_farewell; /* of a device that is gone here, but not yet on the phone */

/* The client above features and jobs; see core/upper.c. */
struct wa_upper {
    void (*end)(struct wa_client *c, struct wa_ending e);
    void (*connected)(struct wa_client *c);
    void (*unused)(struct wa_client *c); /* the last reference is gone */
    void (*effect)(struct wa_client *c, struct wa_job *job, struct wa_want *want);
    void (*stepped)(struct wa_client *c, struct wa_send_op *op, struct wa_send_result *result,
                    int rc, bool is_current);
};
extern const struct wa_upper wa_upper; /* client.c */
void wa_want_carry_out(struct wa_client *c, struct wa_job *job, struct wa_want *want);
void wa_send_on_step(struct wa_client *c, struct wa_send_op *op, struct wa_send_result *result,
                     int rc, bool is_current);

struct wa_client {
    uint32_t magic;
    const struct wa_upper *upper;
    unsigned refs; /* the owner, jobs, fetches */
    struct net_loop *loop;
    const struct wa_client_ops *ops;
    void *arg;
    struct wa_client_opts opts;
    char *url, *push_name, *version, *os, *media_host;
    uint8_t (*roots)[32];
    struct wa_creds *creds;
    struct wa_status_info status;
    struct wa_conn conn;
    uint64_t connection;
    struct net_timer reconnect, tick;
    struct bx_list requests, sends, unacked, fetches, histories;
    unsigned sends_queued;
    uint32_t next_id, id_prefix;
    unsigned errors;  /* in a row, for the backoff */
    unsigned badness; /* unknown stream errors in a row */
    uint64_t ping_due_ms;
    struct wa_pairing *pairing;
    enum wa_leaving leaving;
    struct wa_farewell *farewell; /* NULL: none under way */
    char *code_phone;             /* link by code with this number */
    uint8_t routing[256];
    uint16_t routing_len;
    int64_t clock_offset_ms;                    /* server - ours */
    unsigned app_state_wanted, app_state_reset; /* bit sets of collections */
    unsigned offline_count;
    uint64_t barriers;          /* jobs that end when all those before them have ended */
    unsigned jobs, jobs_before; /* not finished; of these, made before the last barrier */
    bool is_barrier_waiting;    /* its job has ended, others before it have not */
    bool is_started, is_freed, is_loading, is_available, is_logged_in;
    bool app_state_busy, prekeys_busy, has_settled;
    struct wa_media_hosts *media; /* NULL: never asked */
    struct wa_lane_state lane;
};

void wa_client_ref(struct wa_client *c);
void wa_client_unref(struct wa_client *c);
void wa_client_end(struct wa_client *c, struct wa_ending ending);
void wa_client_disconnect(struct wa_client *c);
/* Final until the user acts, or until e->retry_at_ms. */
void wa_client_stop_for(struct wa_client *c, const struct wa_ending *e);
/* The next attempt of a started client comes at once. */
void wa_client_retry(struct wa_client *c);
/* Borrows from both. */
struct wa_conn_opts wa_client_conn_opts(const struct wa_client *c, const struct wa_creds *creds);
void wa_client_set_state(struct wa_client *c, enum wa_state state, enum wa_reason reason,
                         int detail, int64_t retry_at_ms);
void wa_client_connected(struct wa_client *c);
int wa_send_node(struct wa_client *c, const struct wa_node *node);
uint64_t wa_hash(struct bx_str s); /* FNV-1a */
void wa_want_do(struct wa_client *c, struct wa_job *job, struct wa_want *want);

/* unlink.c */
#define WA_LOGGED_OUT ((struct wa_ending){.reason = WA_REASON_LOGGED_OUT, .then = WA_THEN_UNLINK})
/* Drops the credentials of a client that is disconnected; is_unheard: the server is told after. */
void wa_unlink(struct wa_client *c, struct wa_ending ending, bool is_unheard);
/* Ends it without a word. */
void wa_farewell_drop(struct wa_client *c);

/* stanza_table.c */
void wa_stanza_handle(struct wa_client *c, struct wa_node *node, struct bx_arena **arena);

/* --- Features --- */

/* login.c */
int wa_login_payload(const struct wa_client *c, const struct wa_creds *creds, struct bx_buf *out);
void wa_login_success(struct wa_client *c, const struct wa_node *node);
int wa_version_parse(struct bx_str text, uint32_t out[3]);

/* pair.c */
void wa_pair_on_iq(struct wa_client *c, struct wa_node *iq, struct bx_arena **arena);
void wa_pair_drop(struct wa_client *c);
void wa_pair_start_code(struct wa_client *c);
bool wa_pair_on_notification(struct wa_client *c, struct wa_node *n, struct bx_arena **arena);
struct bx_str wa_pair_qr_text(struct bx_arena *arena, struct bx_str ref,
                              const struct wa_creds *creds);
bool wa_pair_is_busy(const struct wa_client *c);

/* prekeys.c */
void wa_prekeys_check(struct wa_client *c, void (*then)(struct wa_client *c));
/* Rotates the signed prekey and compares digests when they are due. */
void wa_prekeys_upkeep(struct wa_client *c);

/* lane: devices.c */
struct wa_device_list {
    uint16_t *ids;
    size_t count;
};
/* BX_E_NOT_FOUND: fetch it. */
int wa_devices_get(struct wa_job *job, const struct wa_jid *user, struct wa_device_list *out);
int wa_devices_drop(struct wa_job *job, const struct wa_jid *user);
int wa_devices_apply(struct wa_job *job, const struct wa_node *usync_iq);
int wa_bundles_apply(struct wa_job *job, const struct wa_node *iq);
int wa_bundle_parse(const struct wa_node *user, struct wa_bundle *out);
/* Asks for the account of a phone number, however its digits are written, and for its devices. */
struct wa_node *wa_account_iq(struct bx_arena *arena, struct bx_str digits);
struct wa_node *wa_usync_iq(struct bx_arena *arena, const struct bx_str *users, size_t count);
struct wa_node *wa_bundles_iq(struct bx_arena *arena, const struct bx_str *jids, size_t count);
int wa_on_devices_notification(struct wa_job *job, const struct wa_node *n);

/* lane: group.c */
struct wa_group_info {
    bool is_lid;
    struct bx_str subject;
    bool is_announcement, is_locked;
    uint32_t ephemeral_s;
    struct wa_jid *members; /* as the group addresses them */
    struct wa_member *details;
    size_t count;
};
int wa_groups_get(struct wa_job *job, struct bx_str group, struct wa_group_info *out);
int wa_groups_apply(struct wa_job *job, const struct wa_node *iq); /* results with <group> */
int wa_on_group_notification(struct wa_job *job, const struct wa_node *n);
int wa_group_event(struct wa_job *job, struct bx_str group, const struct wa_group_info *info);
void wa_group_refresh(struct wa_client *c, struct bx_str group);

/* lane: content.c */
/* Fills kind, text, label, media fields and quote from an unwrapped message. */
int wa_content_describe(struct wa_job *job, const Wap__Message *m, struct wa_message *out);
struct bx_str wa_clean_text(struct bx_arena *arena, const char *text);
Wap__Message *wa_content_unwrap(Wap__Message *m, bool *out_is_view_once, bool *out_is_edit);
bool wa_content_is_visible(const Wap__Message *m);
/* Off, a day, a week, 90 days: no client sets others. */
bool wa_timer_is_valid(uint32_t seconds);

/* lane: message_in.c */
extern const struct wa_job_type wa_job_message;
struct wa_source {
    struct wa_jid chat, sender; /* sender with device */
    struct wa_jid from;         /* where sender keys belong: chat, or the broadcast list */
    struct bx_str id, push_name;
    struct wa_peer chat_peer, sender_peer;
    bool is_from_me, is_peer, is_offline;
    bool is_by_admin; /* the server let it pass as an administrator's */
    int64_t timestamp_ms;
    enum wa_origin origin;
};

/* lane: ask_again.c */
/* After a failure to decrypt: a retry receipt, later the phone, at last an acknowledgement. */
int wa_ask_again(struct wa_job *job, const struct wa_source *src, uint64_t enc_count,
                 bool is_hidden, enum wa_retry_reason reason);
void wa_ask_phone(struct wa_job *job, const struct wa_source *src);
void wa_tell_undecryptable(struct wa_job *job, const struct wa_source *src, const char *label);
/* A row for something that was said and cannot be shown otherwise. */
void wa_tell_unknown(struct wa_job *job, const struct wa_source *src, const Wap__Message *m,
                     const char *label);

/* lane: message_open.c */
int wa_message_open(struct wa_job *job, const struct wa_source *src, Wap__Message *m);
int wa_message_reaction(struct wa_job *job, const struct wa_source *src, const Wap__Reaction *r);
bool wa_key_is_set(const Wap__MessageKey *key);

/* What the key says about the target; everything that a change carries beside is the caller's. */
int wa_message_target(struct wa_job *job, const struct wa_source *src, const Wap__MessageKey *key,
                      struct wa_change *out);
int wa_message_edit(struct wa_job *job, const struct wa_source *src, const Wap__MessageKey *key,
                    Wap__Message *edited);

/* lane: message_secret.c */
/* Remembers the secret of a message, and opens what waited for it. */
int wa_message_secret_keep(struct wa_job *job, const struct wa_source *src, const Wap__Message *m);
/* What is sealed with the secret of the message it is about: votes, answers, edits of newer phones,
 * reactions in communities. Kept until that message comes. */
int wa_message_sealed(struct wa_job *job, const struct wa_source *src, const Wap__Message *m);
/* The message is told: what is sealed with its secret and came before follows. */
int wa_message_unseal_waiting(struct wa_job *job, const struct wa_source *src,
                              const Wap__Message *m);

/* lane: own_phone.c */
int wa_own_phone_said(struct wa_job *job, const struct wa_source *src, const Wap__Protocol *p);

/* lane: web_message.c */
int wa_web_message(struct wa_job *job, const void *web_message_info, enum wa_origin origin,
                   struct bx_str conversation);

/* lane: message_out.c */
extern const struct wa_job_type wa_job_send_step;
struct wa_send_result {
    enum { WA_SEND_READY, WA_SEND_NEEDS, WA_SEND_FAILED } outcome;
    int rc;
    struct wa_node *node;
    struct bx_str *users, *bundles; /* JIDs */
    size_t user_count, bundle_count;
    bool needs_group;
    bool needs_account; /* which account the number of op->out.to is */
};

/* lane: message_build.c */
struct bx_str wa_message_build(struct bx_arena *arena, const struct wa_outgoing *out);
/* Quote, mentions and timer; NULL: none of them. */
Wap__ContextInfo *wa_message_context(struct bx_arena *arena, const struct wa_outgoing *out);

/* lane: receipts, notifications */
extern const struct wa_job_type wa_job_receipt, wa_job_notification, wa_job_ack, wa_job_call;
/* resend.c. Positive: an operation follows that acknowledges the receipt when it is done. */
int wa_retry_requested(struct wa_job *job, const struct wa_node *receipt);
void wa_ack_for(struct wa_job *job, const struct wa_node *n);
struct wa_node *wa_ack_node(struct bx_arena *arena, const struct wa_node *n);

/* app state and history */
enum { WA_COLLECTIONS = 5 };
extern const char *const wa_collection_names[WA_COLLECTIONS];
int wa_collection_find(struct bx_str name);
void wa_app_state_want(struct wa_client *c, unsigned collections);
int wa_app_keys_store(struct wa_job *job, const Wap__AppStateSyncKeyShare *share);
/* An encrypted file on the media host, and what to do with it. */
struct wa_blob {
    uint8_t media_key[32], enc_sha256[32];
    bool has_enc_sha256;
    bool is_plain;         /* history: the body came within a message, not encrypted again */
    int collection;        /* app state */
    struct bx_str patch;   /* app state: the patch whose mutations are in the file */
    struct bx_str pending; /* history: its row in the keystore, which goes when it was opened */
    struct bx_str body;    /* once fetched */
};
/* NULL: the reference is malformed; nothing follows. */
struct wa_blob *wa_blob_want(struct wa_job *job, const struct wa_job_type *then,
                             const char *direct_path, ProtobufCBinaryData media_key,
                             ProtobufCBinaryData enc_sha256, const struct wa_blob *more);
/* A chunk; data is its struct wa_blob. */
extern const struct wa_job_type wa_job_history;
int wa_history_notified(struct wa_job *job, const Wap__HistorySyncNotification *n);
/* Loop: asks again for the chunks that were announced but not stored yet. */
void wa_history_resume(struct wa_client *c);
/* Lane: of a chunk that is gone from the media host; data is its struct wa_blob. */
extern const struct wa_job_type wa_job_history_lost;

/* media_retry.c */
int wa_on_media_retry(struct wa_job *job, const struct wa_node *n);

/* media_conn.c */
/* Whoever waits is told BX_E_CLOSED. NULL is allowed. */
void wa_media_hosts_free(struct wa_media_hosts *h);

/* tokens.c */
int wa_token_on_notification(struct wa_job *job, const struct wa_node *n);
int wa_token_get(struct wa_job *job, const struct wa_jid *user, struct bx_str *out);
int wa_token_put(struct wa_job *job, const struct wa_jid *user, struct bx_str token, uint64_t t_s);
int wa_token_issue(struct wa_job *job, const struct wa_jid *user);

/* presence.c */
void wa_presence_on_stanza(struct wa_client *c, const struct wa_node *n);
void wa_presence_announce(struct wa_client *c);

/* ib.c */
void wa_ib_handle(struct wa_client *c, struct wa_node *node);

#endif
