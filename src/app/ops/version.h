/* Which version of WhatsApp Web the server speaks as, and whether it is old. */
#ifndef WB_VERSION_CHECK_H
#define WB_VERSION_CHECK_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* WhatsApp refuses versions that are some months old: warn in time. */
enum { WB_VERSION_OLD_DAYS = 60 };

/* Says in `say` which version is spoken. False: it is the built-in one and older than
 * WB_VERSION_OLD_DAYS; then `say` has what to do as well. `setting` may be NULL. */
bool wb_version_check(const char *setting, int64_t now_ms, struct bx_buf *say);
/* The same for the log: a warning when it is old. */
void wb_version_log(const char *setting);

#endif
