/* What a phone says in chats. */
#ifndef SIM_CHAT_H
#define SIM_CHAT_H

#include "sim/core/types.h"

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

#endif
