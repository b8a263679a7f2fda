/* Keys of skipped messages, outside of the record that they belong to. libomemo-c keeps up to 2000
 * of them in each chain of a session, so who skips counters would make every later message as dear
 * as 150 KB. Here the record is stored without them; they are rows of a few dozen keys each, and
 * the one that a message needs is put back before the record is read. */
#ifndef WA_SIGNAL_SKIPPED_H
#define WA_SIGNAL_SKIPPED_H

#include "wa/signal/signal.h"

enum wa_skipped_form { WA_SKIPPED_SESSION, WA_SKIPPED_SENDER };

enum { WA_SKIPPED_CHAINS = 96, WA_SKIPPED_SESSIONS = 8 /* earlier ones that are kept */ };

/* One record between its load and its store. */
struct wa_skipped {
    uint64_t chain;                     /* of the message that is opened; 0: none */
    uint32_t index;                     /* its counter */
    bool is_joined;                     /* its key was put back */
    uint64_t chains[WA_SKIPPED_CHAINS]; /* that the record had at its load */
    size_t chain_count;
};

/* Names a chain: by its ratchet key, or by the id of a sender key. */
uint64_t wa_skipped_chain(struct bx_str name);

/* The record as libomemo-c shall read it, with the key of the message if it was skipped. In the
 * arena. Returns a failure of the keystore; a record that is none of ours stays as it is. */
int wa_skipped_join(struct wa_skipped *k, const struct wa_keystore *ks, enum wa_skipped_form form,
                    struct bx_str key, struct bx_str record, struct bx_arena *arena,
                    struct bx_str *out);
/* The record as it is stored; its skipped keys become rows, rows of chains that are gone go, and the
 * key that was used too. */
int wa_skipped_split(struct wa_skipped *k, const struct wa_keystore *ks, enum wa_skipped_form form,
                     struct bx_str key, struct bx_str record, struct bx_arena *arena,
                     struct bx_str *out);

/* Of a record that is deleted. */
int wa_skipped_drop(const struct wa_keystore *ks, struct bx_str key);

#endif
