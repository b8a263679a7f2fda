/* libsio: everything at once. */
#ifndef SIO_SIO_H
#define SIO_SIO_H

#include <sio/ack.h>
#include <sio/adapter.h>
#include <sio/broadcast.h>
#include <sio/namespace.h>
#include <sio/server.h>
#include <sio/socket.h>
#include <sio/types.h>

#endif
