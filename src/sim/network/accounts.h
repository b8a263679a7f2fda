/* Who exists: accounts and their devices. */
#ifndef SIM_ACCOUNTS_H
#define SIM_ACCOUNTS_H

#include "sim/core/types.h"

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

#endif
