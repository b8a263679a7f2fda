/* Public ids without a table: a row id is sealed into the 122 free bits of a version 8 UUID.
 * Deterministic, reversible with the key only; a made-up UUID is refused but for one in 2^58.
 */
#ifndef ST_UUID_H
#define ST_UUID_H

#include "store/store.h"

struct st_uuid_key {
    uint64_t tag[2], mask[2];
};

void st_uuid_seal(const struct st_uuid_key *key, unsigned kind, int64_t id, char out[ST_UUID_SIZE]);
int st_uuid_open(const struct st_uuid_key *key, unsigned kind, struct bx_str text, int64_t *out_id);

#endif
