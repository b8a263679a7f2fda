/* Names that could be taken for another's (Unicode Technical Standard 39). */
#ifndef BX_LOOKALIKE_H
#define BX_LOOKALIKE_H

#include "base/arena.h"

enum bx_name_fault {
    BX_NAME_FINE,
    BX_NAME_INVISIBLE, /* format characters, controls, the same mark twice */
    BX_NAME_MIXED,     /* scripts that nobody mixes in one name (раypal), digits of two scripts */
};
/* A name of one script, of Latin with one other that is not Cyrillic or Greek, or of Japanese,
 * Chinese or Korean with Latin is fine. Any thread. */
enum bx_name_fault bx_name_check(struct bx_str name);

/* What the name looks like: two names that look the same have the same. In the arena. */
struct bx_str bx_name_look(struct bx_str name, struct bx_arena *arena);

#endif
