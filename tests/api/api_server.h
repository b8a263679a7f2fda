/* Shared by the files of api_server. */
#ifndef API_SERVER_H
#define API_SERVER_H

#include <sio/sio.h>

/* cluster.c: an adapter in each of the two servers; every operation reaches both. They may run on
 * different threads. */
void cluster_join(struct sio_server *a, struct sio_server *b);

/* Rooms that this thread's server has told its adapter of. */
int cluster_rooms(void);

#endif
