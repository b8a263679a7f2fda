/* libphonenumber behind C types. Any thread; numbers are digits in ASCII. No function throws. */
#ifndef PH_LIBRARY_H
#define PH_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whether some country or service has this calling code. */
bool ph_library_has_code(int country_code);

/* Whether a number of that country may be so long. */
bool ph_library_is_possible(int country_code, const char *national, size_t len);

/* Whether it lies in a range that is in use. */
bool ph_library_is_valid(int country_code, const char *national, size_t len);

/* As it is dialled inside the country (with its trunk prefix), to digits with the calling code.
 * Returns their count; 0: it is no number there, or does not fit. */
size_t ph_library_from_national(int country_code, const char *text, size_t len, char *out,
                                size_t size);

/* "+62 21 1234567". Returns the length, 0: does not fit. */
size_t ph_library_format(int country_code, const char *national, size_t len, char *out,
                         size_t size);

#ifdef __cplusplus
}
#endif

#endif
