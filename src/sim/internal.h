/* Who knows whom in the simulated network.
 *
 *   sim ── account (a phone: number, LID, account key, Signal device 0)
 *           ├── device (a linked companion: keys, prekeys, queue)
 *           │     └── conn (its WebSocket, while it is connected)
 *           └── phone (what device 0 sent and received)
 */
#ifndef SIM_INTERNAL_H
#define SIM_INTERNAL_H

#include "base/list.h"
#include "base/map.h"
#include "net/timer.h"
#include "net/ws/ws_conn.h"
#include "sim/sim.h"
#include "wa/noise/cert.h"
#include "wa/noise/handshake.h"
#include "wa/proto/message.pb-c.h"
#include "wa/proto/sync.pb-c.h"
#include "wa/signal/adv.h"
#include "wa/signal/app_state.h"
#include <wa/keystore_memory.h>
#include "wa/signal/signal.h"
#include "wa/wire/codec.h"

#include <jansson.h>

enum {
    SIM_USER_MAX = 24,
    SIM_NAME_MAX = 128,
    SIM_REFS_MAX = 12,
    SIM_ID_MAX = 72,
    SIM_COLLECTIONS = 5,
    SIM_SENT_IDS = 4096, /* remembered per device, to recognise a stanza that is sent again */
    SIM_REPLAY_MAX = 64,
};

struct sim_faults {
    double drop, duplicate, reorder, corrupt, lose_ack, unavailable;
    uint32_t delay_min_ms, delay_max_ms;
    unsigned replay;
    bool is_prekeys_exhausted, is_silent, is_time_locked, is_set;
};

struct sim_failure {
    unsigned reason, code, times; /* reason 0: none; times 0: until cleared */
    int64_t expire_s;
    bool is_counted;
};

/* A stanza that a device has not acknowledged yet. */
struct sim_item {
    struct bx_list node;
    struct bx_arena arena;
    struct wa_node *stanza;
    char id[SIM_ID_MAX];
    bool is_written, is_offline, is_resend;
    struct net_timer delay; /* fault: written later */
    struct sim_device *device;
};

enum { SIM_SENT_KEY = 200 };

/* A message that a device sent, to recognise it when it comes again. */
struct sim_sent {
    struct bx_list node;
    char key[SIM_SENT_KEY];
};

struct sim_prekey {
    uint8_t id[3], pub[32];
};

struct sim_device {
    struct sim_account *account;
    unsigned id;
    struct bx_list node;
    struct sim_conn *conn;
    uint8_t noise_pub[32], identity[32], registration[4];
    uint8_t skey_id[3], skey_pub[32], skey_sig[64];
    struct sim_prekey *prekeys; /* in upload order; handed out from the front */
    size_t prekey_first, prekey_count, prekey_cap;
    uint8_t *adv;
    size_t adv_len;
    char push_name[SIM_NAME_MAX], platform[32];
    struct bx_list queue;
    size_t queued;
    struct bx_list replay; /* items that were acknowledged, newest last; for the replay fault */
    size_t replay_count;
    struct bx_map sent; /* struct sim_sent by chat and id */
    struct bx_list sent_order;
    struct sim_item *held; /* reorder fault: waits for the next one */
    struct bx_list late;   /* who typed while it was away */
    size_t late_count;
    struct bx_list *release_at; /* how far the queue was written after being held back */
    struct net_timer held_timer, bootstrap_timer;
    uint64_t last_delay_ms;
    bool is_bootstrapped, is_available, is_gone;
};

struct sim_collection {
    struct wa_app_collection state; /* as the phone computes it */
    struct bx_buf *patches;         /* patch n makes version n + 1 */
    size_t count;
    struct bx_map macs; /* value MAC by index MAC: struct sim_mac */
};

struct sim_account {
    struct sim *sim;
    char phone[SIM_USER_MAX], lid[SIM_USER_MAX], push_name[SIM_NAME_MAX], about[140];
    struct bx_list node;
    struct cr_keypair key;
    uint32_t raw_id, registration_id;
    struct wa_keystore_memory *memory;
    struct wa_signal *signal;
    struct wa_prekey skey;
    uint32_t next_prekey;
    struct bx_list devices;
    unsigned next_device;
    uint8_t app_key_id[6], app_key[32];
    struct sim_collection collections[SIM_COLLECTIONS];
    json_t *chat_state; /* chat -> {pinned, archived, muteUntilMs}, as the phone understands it */
    json_t *history;    /* preload of PUT history; NULL: the default */
    json_t *messages, *receipts_seen, *presence; /* what device 0 saw */
    struct bx_map sent_messages; /* struct sim_sent_message by id: for retries and resends */
    struct bx_map shared_keys;   /* "group device" that have our sender key */
    struct bx_list recalled; /* struct sim_recalled: what companions may ask for, oldest first */
    size_t recalled_count;
    struct bx_list subscribers;
    json_t *subscriptions; /* phones whose presence this account's devices asked for */
    bool is_scripted, is_echo, is_available, is_greeted;
    bool is_restricted; /* takes messages only from who shows its token */
    json_t *tokens;     /* phone -> the token given to it, hex */
    enum { SIM_RECEIPTS_NONE, SIM_RECEIPTS_DELIVERY, SIM_RECEIPTS_READ } receipts;
    struct sim_faults faults;
    struct sim_failure failure;
    uint64_t refuse_until_ms;
    uint8_t *picture;
    size_t picture_len;
    char picture_id[16];
    json_t *privacy, *blocked;
    char code[12];              /* pairing code that a companion shows, once entered */
    struct sim_conn *code_conn; /* companion that asked for a code with this number */
};

struct sim_member {
    struct sim_account *account;
    enum { SIM_MEMBER, SIM_ADMIN, SIM_SUPERADMIN } role;
};

struct sim_group {
    struct bx_list node;
    char jid[64];
    char subject[SIM_NAME_MAX];
    char description[1024], description_id[SIM_ID_MAX];
    struct sim_account *owner;
    struct sim_member *members;
    size_t count;
    int64_t created_s;
    bool is_lid, is_announcement, is_locked, is_approving;
    uint32_t expiration;
    char invite[24];
    struct sim_join_request {
        struct sim_account *account;
        int64_t asked_s;
    } * requests; /* who waits for an admin, in order of asking */
    size_t request_count;
};

enum sim_conn_state {
    SIM_CONN_HELLO,
    SIM_CONN_FINISH,
    SIM_CONN_SETTLING,
    SIM_CONN_OPEN,
    SIM_CONN_CLOSING
};

struct sim_conn {
    struct sim *sim;
    struct ws_conn *ws;
    struct bx_list node;
    enum sim_conn_state state;
    struct wa_frame_reader reader;
    struct wa_handshake handshake;
    struct wa_transport transport;
    enum wa_dict dict;
    struct sim_device *device; /* after login */
    bool is_active;            /* has said so: the queue may flow */
    bool is_registration;
    struct net_timer timer; /* settle, then the fallback for `active`, then close */
    /* registration */
    uint8_t noise_pub[32], identity[32], registration[4], skey_id[3], skey_pub[32], skey_sig[64];
    char push_name[SIM_NAME_MAX], platform[32];
    uint64_t username;
    unsigned device_number;
    char refs[SIM_REFS_MAX][64];
    char shown_qr[512];          /* as the client showed it to the phones; empty: it did not */
    char shown_to[SIM_USER_MAX]; /* the phone it is meant for; empty: any */
    unsigned ref_count;
    struct sim_device *pairing; /* between pair-success and pair-device-sign */
    struct sim_pair_code *pair_code;
};

struct sim_blob {
    uint8_t *data;
    size_t len;
    char key[80];
};

struct sim_stats {
    int64_t logins, messages_in, messages_out, receipts_in, retries, prekeys_served, uploads,
        downloads;
    int64_t drop, delay, duplicate, reorder, replay, corrupt, lose_ack, prekeys_exhausted, silent,
        unavailable, time_lock;
};

struct sim {
    struct net_loop *loop;
    struct http_server *http;
    struct net_tls_ctx *tls;
    uint16_t port;
    uint64_t seed, random_count, next_id, next_phone, next_group, demo_turns;
    uint32_t settle_ms, chatstate_ttl_ms;
    unsigned refs;
    bool is_group_lid, is_demo;
    bool is_history_blob;        /* history lies on the media host only */
    unsigned history_chunk;      /* messages in one chunk of it; 0: all */
    enum wa_cert_flaw cert_flaw; /* of the chain shown to clients */
    bool is_holding;             /* what companions are to get waits in their queues */
    char *data_dir, *host; /* as it listens */
    struct cr_keypair root, intermediate, statik;
    struct bx_map accounts; /* by phone, and by LID */
    struct bx_list account_list, conns, groups;
    struct bx_map blobs;
    struct sim_faults faults;
    struct sim_failure failure;
    uint64_t refuse_until_ms;
    struct sim_stats stats;
    struct sim_dump *dump;
    struct http_static *page;
    struct net_timer demo_timer, save_timer, release_timer;
    uint64_t save_took_ms;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

/* sim.c */
void sim_random(struct sim *sim, void *out, size_t len);
double sim_chance(struct sim *sim);
void sim_keypair(struct sim *sim, struct cr_keypair *out);
/* A fresh stanza or message id in the arena. */
struct bx_str sim_new_id(struct sim *sim, struct bx_arena *arena, const char *prefix);
int64_t sim_now_s(void);

/* An address of a stanza that is copied into the answer. Clients may write anything there, also a
 * server's name as plain text; what is no JID goes back as the text it was. */
static inline struct wa_arg sim_echo(const char *key, struct bx_str address)
{
    struct wa_jid jid;
    return wa_jid_parse(address, &jid) == BX_OK ? wa_to(key, address) : wa_str(key, address);
}

/* accounts.c */
/* A name as it goes into JSON: valid UTF-8, cut between characters; nothing when it is none. */
void sim_name_copy(struct bx_str name, char out[SIM_NAME_MAX]);
/* By phone or LID digits; NULL. */
struct sim_account *sim_account_find(struct sim *sim, struct bx_str user);
/* By digits or JID text. */
struct sim_account *sim_account_by_jid(struct sim *sim, struct bx_str jid_text);
/* phone empty: a new number. */
struct sim_account *sim_account_get(struct sim *sim, struct bx_str phone, struct bx_str push_name);
struct sim_account *sim_account_by_name(struct sim *sim, struct bx_str push_name);
void sim_account_free(struct sim_account *a);
struct sim_device *sim_device_find(struct sim_account *a, unsigned id);
struct sim_device *sim_device_new(struct sim_account *a, unsigned id);
void sim_device_remove(struct sim_device *d);
void sim_device_free(struct sim_device *d);
/* "phone:dev@s.whatsapp.net" or the LID form; device 0 is not written. */
struct bx_str sim_jid(struct bx_arena *arena, const struct sim_account *a, unsigned device,
                      bool is_lid);
struct wa_jid sim_wa_jid(struct bx_arena *arena, const struct sim_account *a, unsigned device,
                         bool is_lid);

/* conn.c */
void sim_conn_accept(struct sim *sim, struct http_exchange *x);
void sim_conn_send(struct sim_conn *c, const struct wa_node *n);
/* Closes after what was sent is out. */
void sim_conn_close(struct sim_conn *c, uint32_t delay_ms);
void sim_conn_cut(struct sim_conn *c);

/* login.c */
void sim_login_start(struct sim_conn *c); /* the settle delay is over */
int sim_login_read_payload(struct sim_conn *c, struct bx_str payload, struct bx_arena *arena);
void sim_login_active(struct sim_conn *c);
void sim_stream_error(struct sim_conn *c, const char *code, const char *conflict);

/* pair.c */
void sim_pair_send_refs(struct sim_conn *c, struct bx_arena *arena);
struct sim_conn *sim_pair_find_ref(struct sim *sim, struct bx_str ref);
int sim_pair_link(struct sim_conn *c, struct sim_account *a, const uint8_t secret[32],
                  struct sim_device **out);
void sim_pair_on_sign(struct sim_conn *c, const struct wa_node *iq, struct bx_arena *arena);
void sim_pair_on_code_stanza(struct sim_conn *c, const struct wa_node *iq, struct bx_arena *arena);
/* BX_E_NOT_FOUND: nobody waits; BX_E_AUTH: not a code. Otherwise on_done says, once, whether the
 * companion's answer opened. */
int sim_pair_enter_code(struct sim *sim, struct sim_account *a, struct bx_str code,
                        void (*on_done)(void *arg, int rc, const struct sim_device *d), void *arg);
void sim_pair_forget(struct sim_conn *c);
/* Tells the account's other devices and everybody about its device list. */
void sim_devices_changed(struct sim_account *a, struct sim_device *added,
                         struct sim_device *removed);

/* dispatch.c */
void sim_dispatch(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena);
void sim_iq_result(struct sim_conn *c, const struct wa_node *iq, struct wa_node *child);
void sim_iq_error(struct sim_conn *c, const struct wa_node *iq, const char *code, const char *text);

/* handlers of iqs, one per row of the table in dispatch.c */
typedef void sim_iq_fn(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                       struct bx_arena *arena);
sim_iq_fn sim_on_prekey_count, sim_on_prekey_digest, sim_on_prekey_fetch, sim_on_prekey_upload,
    sim_on_prekey_rotate;
sim_iq_fn sim_on_usync, sim_on_group_iq, sim_on_app_state, sim_on_media_conn, sim_on_picture,
    sim_on_status, sim_on_props, sim_on_privacy, sim_on_blocklist, sim_on_mex, sim_on_business;

/* prekeys.c */
struct sim_bundle_source {
    struct sim_account *account;
    struct sim_device *device; /* NULL: the phone */
};
bool sim_prekey_take(struct sim_device *d, struct sim_prekey *out);
struct wa_node *sim_bundle_node(struct sim *sim, struct bx_arena *arena,
                                const struct sim_bundle_source *from, bool is_for_retry);

/* queue.c */
void sim_deliver(struct sim_device *d, const struct wa_node *stanza);
/* What answers a retry receipt: is not corrupted again. */
void sim_deliver_resend(struct sim_device *d, const struct wa_node *stanza);
/* Writes everything that was not acknowledged, as offline stanzas. */
void sim_queue_flush(struct sim_device *d);
void sim_queue_ack(struct sim_device *d, struct bx_str id);
/* Connection lost: what was written but not acknowledged comes again. */
void sim_queue_unwrite(struct sim_device *d);
void sim_queue_free(struct sim_device *d);
/* Ends is_holding: what waits is written, a slice per device and turn. */
void sim_queue_let_go(struct sim *sim);
bool sim_sent_before(struct sim_device *d, struct bx_str chat, struct bx_str id);
size_t sim_queue_pending(const struct sim_device *d);
void sim_queue_release_held(struct sim_device *d);
const struct sim_faults *sim_faults_of(const struct sim_account *a);

/* router.c */
void sim_on_message(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena);
void sim_on_receipt(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena);
/* One ciphertext from `from` (device 0 when from_device is 0) to a device, as the network would
 * deliver it. */
struct sim_delivery {
    struct sim_account *from;
    unsigned from_device;
    const char *notify;
    struct bx_str chat;            /* JID text: the other side, or the group */
    const struct sim_group *group; /* NULL: direct */
    bool is_lid;                   /* addressing of a direct message */
    struct bx_str id, type, edit, category;
    const struct wa_node **encs;
    size_t enc_count;
    const struct wa_node *device_identity;
    bool is_resend; /* answers a retry receipt */
};
void sim_deliver_message(struct sim_account *to, unsigned device, const struct sim_delivery *m,
                         struct bx_arena *arena);
void sim_send_receipt(struct sim_account *from, unsigned from_device, struct sim_account *to,
                      int to_device, const struct wa_node *receipt, struct bx_arena *arena);

/* presence.c */
void sim_on_presence(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena);
void sim_on_chatstate(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena);
void sim_presence_changed(struct sim_account *a);
/* Also what a scripted phone does. state: <composing/> and its like. */
void sim_chatstate(struct sim_account *from, struct sim_group *g, struct sim_account *to,
                   bool is_lid, const struct wa_node *state, struct bx_arena *arena);
/* A device is back, or gone for good: tells it what is not too old of what it missed. */
void sim_chatstate_flush(struct sim_device *d);

/* groups.c */
struct sim_group *sim_group_find(struct sim *sim, struct bx_str jid);
struct sim_group *sim_group_new(struct sim *sim, struct sim_account *owner, struct bx_str subject,
                                bool is_lid);
struct sim_member *sim_group_member(const struct sim_group *g, const struct sim_account *a);
void sim_group_add(struct sim_group *g, struct sim_account *a, int role);
void sim_group_remove(struct sim_group *g, struct sim_account *a);
struct wa_node *sim_group_node(const struct sim_group *g, struct bx_arena *arena);
/* w:gp2 to every member device but `except`, and to the devices of extra. */
void sim_group_notify(struct sim_group *g, struct sim_account *actor,
                      const struct sim_device *except, struct wa_node *child,
                      struct sim_account **extra, size_t extra_count, struct bx_arena *arena);
/* To the devices of one account. */
void sim_group_notify_one(struct sim_group *g, struct sim_account *to, struct sim_account *actor,
                          const struct sim_device *except, struct wa_node *child,
                          struct bx_arena *arena);
void sim_group_change(struct sim_group *g, struct sim_account *actor,
                      const struct sim_device *except, const char *verb, struct sim_account **who,
                      size_t count, struct bx_arena *arena);
void sim_group_announce(struct sim_group *g, const struct sim_device *except,
                        struct bx_arena *arena);
void sim_group_free(struct sim_group *g);

/* groups_join.c: groups whose admins decide who joins */
bool sim_join_is_pending(const struct sim_group *g, const struct sim_account *a);
/* Somebody wants in; the admins are told. */
void sim_join_ask(struct sim_group *g, struct sim_account *a, struct bx_arena *arena);
/* False when that account does not wait. */
bool sim_join_decide(struct sim_group *g, struct sim_account *admin, struct sim_account *who,
                     bool is_yes, struct bx_arena *arena);
/* The requests of an admin's client; false: not about joining. */
bool sim_on_join_iq(struct sim_conn *c, const struct wa_node *iq, struct sim_group *g,
                    const struct wa_node *child, struct bx_arena *arena);

/* phone.c: Signal device 0 */
void sim_phone_init(struct sim_account *a);
void sim_phone_done(struct sim_account *a);
void sim_phone_receive(struct sim_account *a, const struct sim_delivery *m, struct bx_arena *arena);
void sim_phone_on_receipt(struct sim_account *a, struct sim_account *from, unsigned from_device,
                          const struct wa_node *receipt);
/* Encrypts for one companion and delivers; peer messages have category "peer" and no chat. */
int sim_phone_send_to_device(struct sim_account *a, struct sim_account *to, unsigned device,
                             const Wap__Message *message, const struct sim_delivery *base,
                             struct bx_arena *arena);
void sim_phone_bootstrap_later(struct sim_device *d);
/* <enc> for one device; count > 0: a resend. */
int sim_phone_encrypt(struct sim_account *a, struct sim_account *to, unsigned device,
                      struct bx_str packed, unsigned count, struct bx_arena *arena,
                      struct wa_node **out);
/* message NULL: it did not open. */
void sim_phone_record(struct sim_account *a, const struct sim_delivery *m,
                      struct sim_account *author, const Wap__Message *message);

/* chat.c: what a phone says in chats */
struct sim_outgoing {
    struct sim_account *to;
    struct sim_group *group;
    bool is_lid;
    struct bx_str text;
    struct bx_str quoted_id, quoted_text;
    struct sim_account *quoted_from;
    struct sim_account **mentions;
    size_t mention_count;
    struct bx_str reaction_id, emoji;
    struct sim_account *reaction_from;
    struct bx_str edit_id, revoke_id;
};
int sim_phone_say(struct sim_account *a, const struct sim_outgoing *what, char out_id[SIM_ID_MAX]);
int sim_phone_resend(struct sim_account *a, struct bx_str id, struct sim_account *to,
                     unsigned device, unsigned count, struct bx_arena *arena);
void sim_phone_read(struct sim_account *a, struct sim_account *chat, struct sim_group *group,
                    struct sim_account *author, struct bx_str id, const char *type);
void sim_phone_typing(struct sim_account *a, struct sim_account *chat, struct sim_group *group,
                      const char *state);

/* token.c */
void sim_token_issue(struct sim_account *from, struct sim_account *to, struct bx_str t,
                     struct bx_arena *arena);
/* The stanza of `by` shows the token that a restricted account gave it (or a is not restricted). */
bool sim_token_admits(const struct sim_account *a, const struct sim_account *by,
                      const struct wa_node *stanza);
/* Push names may carry flags. */
bool sim_token_name_restricts(struct bx_str push_name);

/* recall.c: a companion that cannot open a message asks the phone for its copy */
void sim_recall_keep(struct sim_account *a, const struct sim_delivery *m,
                     const Wap__Message *message);
void sim_recall_answer(struct sim_account *a, struct sim_device *d, struct bx_str request_id,
                       const Wap__PeerDataRequest *request);
void sim_recall_done(struct sim_account *a);

/* history.c */
void sim_phone_send_peer(struct sim_account *a, struct sim_device *d, Wap__Message *m,
                         struct bx_arena *arena);
void sim_phone_send_history(struct sim_account *a, struct sim_device *d);
void sim_phone_send_app_key(struct sim_account *a, struct sim_device *d);

/* appstate.c */
extern const char *const sim_collection_names[SIM_COLLECTIONS];
void sim_app_state_init(struct sim_account *a);
void sim_app_state_done(struct sim_account *a);
/* The phone writes one mutation; index is a JSON array. */
int sim_app_state_write(struct sim_account *a, size_t collection, bool is_remove, const char *index,
                        const Wap__SyncActionValue *value, int32_t version);
void sim_app_state_chat(struct sim_account *a, const char *chat_jid, const json_t *change);
void sim_app_state_contact(struct sim_account *a, struct sim_account *contact,
                           const char *full_name);
void sim_app_state_push_name(struct sim_account *a);
/* A stored patch, the next one of its collection. BX_E_CRYPTO and what else opening it can say. */
int sim_app_state_restore(struct sim_account *a, size_t collection, struct bx_str patch);

/* media.c */
/* Seals a history blob and puts it on the media host; fills keys and hashes; the direct path. */
struct bx_str sim_media_put_history(struct sim *sim, struct bx_str plain, uint8_t media_key[32],
                                    Wap__HistorySyncNotification *n, struct bx_arena *arena);
bool sim_media_owns(const struct http_request *r);
void sim_media_handle(struct sim *sim, struct http_exchange *x);

/* admin.c, page.c */
void sim_admin_handle(struct sim *sim, struct http_exchange *x);
bool sim_page_handle(struct sim *sim, struct http_exchange *x);

/* dump.c */
void sim_dump_add(struct sim *sim, const struct sim_device *d, bool is_in, const struct wa_node *n);
json_t *sim_dump_json(struct sim *sim, struct bx_str phone, uint64_t after, size_t limit,
                      uint64_t *out_next);
void sim_dump_free(struct sim *sim);

/* demo.c */
void sim_demo_start(struct sim *sim);
/* The past of a phone in the demo, as PUT history takes it. Returned. */
json_t *sim_demo_history(void);

/* persist.c */
void sim_save_later(struct sim *sim);
int sim_load(struct sim *sim);
void sim_save(struct sim *sim);

#endif
