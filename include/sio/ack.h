/* Answering a client's event that asked for an acknowledgement. */
#ifndef SIO_ACK_H
#define SIO_ACK_H

#include <sio/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sends the answer; the first one counts, later ones do nothing. Inside the event handler this is
 * all that is needed. */
SIO_API void sio_ack_reply(struct sio_ack *ack, struct sio_payload answer);

/* To answer after the handler has returned: returns an object of your own which is used up by
 * sio_ack_reply_later or sio_ack_drop. The client may be gone by then; that is no error. */
SIO_API struct sio_ack *sio_ack_keep(struct sio_ack *ack);
SIO_API void sio_ack_reply_later(struct sio_ack *kept, struct sio_payload answer); /* takes kept */
SIO_API void sio_ack_drop(struct sio_ack *kept);                                   /* takes kept */

#ifdef __cplusplus
}
#endif

#endif
