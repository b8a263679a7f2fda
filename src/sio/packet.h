/* Socket.IO v5 packets, default parser. Sans-I/O. Source: socket.io-protocol v5,
 * socket.io-parser 4.2. */
#ifndef SIO_PACKET_H
#define SIO_PACKET_H

#include "base/buf.h"
#include "base/str.h"

enum sio_type {
    SIO_CONNECT,
    SIO_DISCONNECT,
    SIO_EVENT,
    SIO_ACK,
    SIO_CONNECT_ERROR,
    SIO_BINARY_EVENT,
    SIO_BINARY_ACK,
};

enum { SIO_JSON_DEPTH = 512 };

struct sio_packet {
    enum sio_type type;
    uint64_t attachment_count;
    struct bx_str
        nsp; /* "/" when left out; with its query for protocol 4 and older ("/admin?token=x") */
    bool has_id;
    struct bx_str id;   /* digits without leading zeros: echoed as they are */
    struct bx_str data; /* JSON value, or empty */
};

/* Decodes the text of a packet. Slices borrow the text, which must be valid UTF-8. BX_E_INVALID for
 * everything that socket.io-parser refuses: unknown type, bad JSON, wrong shape of the data for the
 * type, reserved event names, attachment count missing or zero. BX_E_FULL: more attachments than
 * max_attachments. */
int sio_packet_decode(struct bx_str text, uint64_t max_attachments, struct sio_packet *out);

/* Event data: "["name",args…]" taken apart. name borrows the text or, when it has escapes, scratch
 * (size bytes, at least data.len for safety; a longer name is BX_E_TOO_BIG). */
int sio_event_split(struct bx_str data, char *scratch, size_t size, struct bx_str *out_name,
                    struct bx_str *out_args);

/* Every {"_placeholder":true,"num":n} inside of data has 0 <= n < count. BX_E_INVALID otherwise. */
int sio_placeholders_check(struct bx_str data, uint64_t count);

/* connect, connect_error, disconnect, disconnecting, newListener, removeListener */
bool sio_event_is_reserved(struct bx_str name);

/* Appends "<type>[<count>-][<nsp>,][<id>]". nsp "/" is left out. */
int sio_packet_head(struct bx_buf *out, enum sio_type type, uint64_t attachment_count,
                    struct bx_str nsp, struct bx_str id);

#endif
