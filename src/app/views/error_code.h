/* The stable names of REST errors (`code` in the error body). Programs decide by them and the page
 * translates them; the sentence beside a code is English and may be improved.
 */
#ifndef WB_ERROR_CODE_H
#define WB_ERROR_CODE_H

#include "app/core/schema.h"

/* Why a message FAILED has the status 0. */

/* The code of a failure with this status and sentence: that of the sentence where the table has it,
 * else the general one of the status. Never NULL. */
const char *wb_error_code(int status, const char *sentence);

/* The enum of all codes, for the documents. */
extern const struct wb_schema wb_error_code_shape;

#endif
