/* Who knows whom in the simulated network: the structures that its parts share. Functions are in the
 * header of the file that has them.
 *
 *   sim ── account (a phone: number, LID, account key, Signal device 0)
 *           ├── device (a linked companion: keys, prekeys, queue)
 *           │     └── conn (its WebSocket, while it is connected)
 *           └── phone (what device 0 sent and received)
 */
#ifndef SIM_TYPES_H
#define SIM_TYPES_H

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
#include "wa/signal/signal.h"
#include "wa/wire/codec.h"
#include <wa/keystore_memory.h>

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

/* Device 0 of every account (phone/phone.c), as the network calls it. */
struct sim_phone_ops {
    void (*init)(struct sim_account *a);
    void (*done)(struct sim_account *a);
    void (*bootstrap_later)(struct sim_device *d);
    void (*receive)(struct sim_account *a, const struct sim_delivery *m, struct bx_arena *arena);
    void (*on_receipt)(struct sim_account *a, struct sim_account *from, unsigned from_device,
                       const struct wa_node *receipt);
};

struct sim {
    struct net_loop *loop;
    const struct sim_phone_ops *phone;
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
    char *data_dir, *host;       /* as it listens */
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

#endif
