/* App state (syncd, protocol map 9.2): encrypted mutations in patches, a homomorphic hash over the
 * values of a collection, and MACs over both. Pure functions over a collection's state and two
 * callbacks; the caller stores state and MACs (WA_KEY_APP_STATE, WA_KEY_APP_MAC).
 */
#ifndef WA_APP_STATE_H
#define WA_APP_STATE_H

#include "base/arena.h"
#include "wa/proto/sync.pb-c.h"

enum { WA_LTHASH_SIZE = 128, WA_APP_KEY_SIZE = 32, WA_APP_MAC_SIZE = 32 };

struct wa_app_keys {
    uint8_t index[32], value_enc[32], value_mac[32], snapshot_mac[32], patch_mac[32];
};
void wa_app_keys_derive(const uint8_t key_data[WA_APP_KEY_SIZE], struct wa_app_keys *out);

struct wa_app_collection {
    struct bx_str name; /* "regular_low" */
    uint64_t version;
    uint8_t lthash[WA_LTHASH_SIZE];
};

void wa_lthash_add(uint8_t hash[WA_LTHASH_SIZE], const uint8_t value_mac[WA_APP_MAC_SIZE]);
void wa_lthash_subtract(uint8_t hash[WA_LTHASH_SIZE], const uint8_t value_mac[WA_APP_MAC_SIZE]);

/* One change, as the application sees it. */
struct wa_app_mutation {
    bool is_remove;
    struct bx_str index; /* JSON array */
    const Wap__SyncActionValue *value;
    int32_t version;
    uint8_t index_mac[WA_APP_MAC_SIZE],
        value_mac[WA_APP_MAC_SIZE]; /* filled in by both directions */
};

/* What a patch needs from outside. */
struct wa_app_source {
    /* Derived keys of a key id; BX_E_NOT_FOUND: ask the phone for it and try later. */
    int (*keys)(void *arg, struct bx_str key_id, struct wa_app_keys *out);
    /* Value MAC now stored for an index MAC; BX_E_NOT_FOUND. */
    int (*value_mac)(void *arg, const uint8_t index_mac[WA_APP_MAC_SIZE],
                     uint8_t out[WA_APP_MAC_SIZE]);
    void *arg;
};

/* Seals mutations into a SyncdPatch (without version, as clients send it). ivs: 16 fresh random
 * bytes for each mutation. *out_after is the collection once the server took it: store it and the
 * MACs of the mutations then, not before. */
int wa_app_patch_encode(const struct wa_app_collection *before, const struct wa_app_source *source,
                        struct bx_str key_id, struct wa_app_mutation *mutations, size_t count,
                        const uint8_t *ivs, struct bx_arena *arena, struct bx_str *out_patch,
                        struct wa_app_collection *out_after);

/* Opens a patch on top of `before`; checks every value MAC, index MAC, the snapshot MAC and the
 * patch MAC. The version is the patch's, or before->version + 1 when it has none. Mutations are in
 * the arena. External mutations must have been merged into patch->mutations first.
 * BX_E_NOT_FOUND (key), BX_E_CRYPTO (fetch a snapshot), BX_E_CONFLICT (does not follow `before`),
 * BX_E_INVALID. */
int wa_app_patch_decode(const struct wa_app_collection *before, const struct wa_app_source *source,
                        const Wap__SyncdPatch *patch, struct bx_arena *arena,
                        struct wa_app_mutation **out_mutations, size_t *out_count,
                        struct wa_app_collection *out_after);

/* A snapshot replaces the collection. */
int wa_app_snapshot_decode(struct bx_str name, const struct wa_app_source *source,
                           const Wap__SyncdSnapshot *snapshot, struct bx_arena *arena,
                           struct wa_app_mutation **out_mutations, size_t *out_count,
                           struct wa_app_collection *out_after);

#endif
