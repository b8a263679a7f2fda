/* What `waboxctl doctor` looks at. Each check prints one line: what is fine, or what is wrong and
 * what to do, in a sentence. */
#ifndef WB_DOCTOR_H
#define WB_DOCTOR_H

#include "app/core/config.h"

/* Fewer open files than that, or fewer days, are worth a warning. */
enum { WB_FILES_FEW = 4096, WB_CERTIFICATE_SOON_DAYS = 14 };

/* Appends the lines to `out`; returns how many checks failed. */
int wb_doctor(const struct wb_config *c, struct bx_buf *out);

#endif
