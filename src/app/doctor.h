/* What `waboxctl doctor` looks at. Each check prints one line: what is fine, or what is wrong and
 * what to do, in a sentence. */
#ifndef WB_DOCTOR_H
#define WB_DOCTOR_H

#include "app/config.h"

/* Appends the lines to `out`; returns how many checks failed. */
int wb_doctor(const struct wb_config *c, struct bx_buf *out);

#endif
