/* Phone numbers as people write and paste them, of every country (libphonenumber's rules). Any
 * thread. */
#ifndef PH_PHONE_H
#define PH_PHONE_H

#include "base/str.h"

enum { PH_SIZE = 40, PH_TEXT_MAX = 256 /* bytes of what is typed */ };

/* To the digits of E.164, NUL-terminated: "0812…" (the trunk prefix of the country with this
 * calling code), "62812…", "+62 812-3456-789", "0062…", "tel:+62…", "+49 (0)30 …". Marks that
 * cannot be seen, typographic dashes and digits of other writings are as good (base/fold.h). What
 * is international stays as it is written, but for a trunk zero. BX_E_INVALID: no country has such
 * a number. */
int ph_parse(struct bx_str text, int64_t country_code, char out[PH_SIZE]);

/* The same for what may be a part of a number: digits with the calling code, three at least. */
int ph_part(struct bx_str text, int64_t country_code, char out[PH_SIZE]);

/* "+62 812-3456-789", NUL-terminated. Digits that are no number of any country are grouped all the
 * same. Formats are kept: a number is asked for once. */
void ph_format(struct bx_str digits, char out[PH_SIZE]);

#endif
