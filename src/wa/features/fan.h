/* Lane: a message on its way to its devices; what the ways to send one (fan_direct, fan_group,
 * fan_one) share. Each step either fills result->node, or says what is missing in result. */
#ifndef WA_FAN_H
#define WA_FAN_H

#include "wa/internal.h"

struct wa_shape {
    const char *type, *edit, *media;
    bool is_hidden; /* no placeholder where it cannot be decrypted */
};

struct wa_fan {
    struct wa_job *job;
    struct wa_send_op *op;
    struct wa_send_result *result;
    struct wa_jid to;
    struct wa_shape shape;
    struct bx_str plain;    /* Message */
    struct wa_jid *devices; /* whom it goes to */
    size_t device_count, device_room;
    bool has_prekey; /* an enc of type pkmsg: identity must be shown */
};

/* The attributes that a message of this content carries. */
struct wa_shape wa_shape_of(const Wap__Message *m);

/* The step ends: the message cannot be sent. */
void wa_fan_fail(struct wa_fan *f, int rc);

void wa_fan_add_device(struct wa_fan *f, struct wa_jid jid);
/* All devices of a person but this one; asks for the list when it is not known. */
int wa_fan_add_person(struct wa_fan *f, struct wa_jid person);
/* Without a session a device is asked for once, and left out afterwards. */
int wa_fan_check_sessions(struct wa_fan *f);

/* <message> with the attributes of every way; borrows f. */
struct wa_node *wa_fan_message(struct wa_fan *f);
/* <enc> of a packed message for one device. */
int wa_fan_encrypt(struct wa_fan *f, const struct wa_jid *device, struct bx_str message,
                   struct wa_node **out);
/* A <to> for each device that is (not) our own; *out_count grows by those that got one. */
int wa_fan_encrypt_each(struct wa_fan *f, struct wa_node *participants, struct bx_str message,
                        bool is_own, size_t *out_count);
/* The message as our own other devices get it. */
struct bx_str wa_fan_for_own_devices(struct wa_fan *f);
/* Who gets a prekey message must see who we are. */
void wa_fan_add_identity(struct wa_fan *f, struct wa_node *message);

int wa_fan_send_direct(struct wa_fan *f);
int wa_fan_send_group(struct wa_fan *f);
int wa_fan_send_one(struct wa_fan *f);

#endif
