/* Collections of app state. */
#ifndef SIM_APPSTATE_H
#define SIM_APPSTATE_H

#include "sim/core/iq.h"
#include "sim/core/types.h"

sim_iq_fn sim_on_app_state;

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

#endif
