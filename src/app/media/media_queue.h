/* Files of messages: the queue that fetches them from WhatsApp, the blobs that hold them, and the
 * addresses that serve them.
 *
 * The rows of table media are the queue: a row that waits is fetched when it is due. At most
 * WB_MEDIA_RUNNING files are on their way, WB_MEDIA_RUNNING_OF_NUMBER of one number, and numbers take
 * turns. Bytes are decrypted on lanes of their own into a temporary blob, which becomes a blob after
 * MAC and hashes hold; then wabox-media looks at it, and one transaction writes the row and
 * "message:media". A crash leaves a row that waits again at the next start.
 */
#ifndef WB_MEDIA_QUEUE_H
#define WB_MEDIA_QUEUE_H

#include "app/core/context.h"
#include "base/buf.h"

enum { WB_MEDIA_RUNNING = 16, WB_MEDIA_RUNNING_OF_NUMBER = 4 };

int wb_media_start(struct wb_app *app, struct bx_buf *message);
void wb_media_stop(struct wb_app *app);
void wb_media_free(struct wb_app *app);

/* Loop thread: rows may have become due. */
void wb_media_wake(struct wb_app *app);

struct st_tx;
/* Writer thread: the file is wanted now, whatever the policy said. BX_E_NOT_FOUND: the message has
 * none that can be fetched. */
int wb_media_want(struct st_tx *tx, int64_t message_id);

#endif
