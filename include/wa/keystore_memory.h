/* A keystore in memory: for tests and for simulated phones. One owner at a time. */
#ifndef WA_KEYSTORE_MEMORY_H
#define WA_KEYSTORE_MEMORY_H

#include "wa/keystore.h"

struct wa_keystore_memory;

struct wa_keystore_memory *wa_keystore_memory_new(void);
void wa_keystore_memory_free(struct wa_keystore_memory *m);
/* The interface; valid as long as m. */
const struct wa_keystore *wa_keystore_memory(struct wa_keystore_memory *m);

#endif
