/* AsyncAPI 3.0 from the table of events. */
#ifndef WB_ASYNCAPI_H
#define WB_ASYNCAPI_H

#include "base/buf.h"

/* Appends the whole document. */
int wb_asyncapi_write(struct bx_buf *out);

#endif
