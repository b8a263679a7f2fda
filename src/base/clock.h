/* Clocks. Protocol cores take the time as an argument; only rooms with I/O ask here. */
#ifndef BX_CLOCK_H
#define BX_CLOCK_H

#include <stddef.h>
#include <stdint.h>

uint64_t bx_mono_ms(void); /* CLOCK_MONOTONIC */
uint64_t bx_mono_ns(void);
int64_t bx_wall_ms(void); /* milliseconds since 1970-01-01 UTC */

enum { BX_ISO8601_SIZE = 25 };

/* "2025-09-16T10:30:00.000Z" with NUL; years outside 0..9999 are clamped. */
void bx_iso8601(int64_t wall_ms, char out[BX_ISO8601_SIZE]);

/* Reads "2025-09-16T10:30:00Z", with or without a fraction of a second. BX_E_INVALID for anything
 * else, days and hours that do not exist included. */
int bx_iso8601_parse(const char *text, size_t len, int64_t *out_wall_ms);

/* Cryptographically secure random bytes; aborts when the kernel has none. */
void bx_random(void *out, size_t len);
uint64_t bx_random_below(uint64_t bound); /* unbiased, bound > 0 */

#endif
