/* Chunked bodies as a machine over bytes: each state names what it waits for. Leniency here is how
 * two servers come to disagree about where a request ends, so white space around the size, bare LF
 * and missing digits are refused. Extensions and trailers are checked and thrown away, and share a
 * budget: a body of one-byte chunks with long extensions costs its sender more than us. */
#include "net/http/http_parse.h"

enum { MAX_SIZE_DIGITS = 15, MAX_EXTRA_BYTES = 8 << 10 };

enum state {
    SIZE,         /* hex digits */
    EXTENSION,    /* up to CR */
    SIZE_LF,      /* LF behind the size line */
    DATA,         /* `left` bytes */
    DATA_CR,      /* CR behind the data */
    DATA_LF,      /* LF behind the data */
    LINE,         /* start of a trailer line, or the CR of the last line */
    TRAILER_NAME, /* up to the colon */
    TRAILER,      /* value up to CR */
    TRAILER_LF,   /* LF behind a trailer */
    LAST_LF,      /* the very last byte */
    DONE,
};

void http_chunked_init(struct http_chunked *d)
{
    *d = (struct http_chunked){.state = SIZE};
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int feed_size(struct http_chunked *d, uint8_t c)
{
    int digit = hex_value(c);
    if (digit >= 0) {
        if (++d->digits > MAX_SIZE_DIGITS)
            return BX_E_INVALID;
        d->left = d->left << 4 | (unsigned)digit;
        return SIZE;
    }
    if (!d->digits)
        return BX_E_INVALID;
    return c == '\r' ? SIZE_LF : c == ';' ? EXTENSION : BX_E_INVALID;
}

/* Text of an extension or a trailer value. */
static int feed_text(struct http_chunked *d, uint8_t c, enum state self, enum state next)
{
    if (c == '\r')
        return next;
    if ((c < 0x20 && c != '\t') || c == 0x7f || ++d->extra_bytes > MAX_EXTRA_BYTES)
        return BX_E_INVALID;
    return self;
}

static int feed_name(struct http_chunked *d, uint8_t c, bool is_first)
{
    char byte = (char)c;
    if (c == ':' && !is_first)
        return TRAILER;
    if (!http_is_token(bx_str_n(&byte, 1)) || ++d->extra_bytes > MAX_EXTRA_BYTES)
        return BX_E_INVALID;
    return TRAILER_NAME;
}

/* The state behind byte c, or BX_E_INVALID. */
static int feed(struct http_chunked *d, uint8_t c)
{
    switch ((enum state)d->state) {
    case SIZE:
        return feed_size(d, c);
    case EXTENSION:
        return feed_text(d, c, EXTENSION, SIZE_LF);
    case SIZE_LF:
        d->digits = 0;
        return c != '\n' ? BX_E_INVALID : d->left ? DATA : LINE;
    case DATA_CR:
        return c == '\r' ? DATA_LF : BX_E_INVALID;
    case DATA_LF:
        return c == '\n' ? SIZE : BX_E_INVALID;
    case LINE:
        return c == '\r' ? LAST_LF : feed_name(d, c, true);
    case TRAILER_NAME:
        return feed_name(d, c, false);
    case TRAILER:
        return feed_text(d, c, TRAILER, TRAILER_LF);
    case TRAILER_LF:
        return c == '\n' ? LINE : BX_E_INVALID;
    case LAST_LF:
        return c == '\n' ? DONE : BX_E_INVALID;
    case DATA:
    case DONE:
        break;
    }
    return BX_E_INVALID;
}

static int take_data(struct http_chunked *d, struct bx_str *in, struct bx_str *out_data)
{
    size_t len = in->len < d->left ? in->len : (size_t)d->left;
    *out_data = bx_str_slice(*in, 0, len);
    *in = bx_str_slice(*in, len, in->len);
    d->left -= len;
    if (!d->left)
        d->state = DATA_CR;
    return HTTP_CHUNKED_DATA;
}

int http_chunked_next(struct http_chunked *d, struct bx_str *in, struct bx_str *out_data)
{
    while (d->state != DONE && in->len) {
        if (d->state == DATA)
            return take_data(d, in, out_data);
        int next = feed(d, (uint8_t)in->ptr[0]);
        if (next < 0)
            return next;
        d->state = (uint8_t)next;
        *in = bx_str_slice(*in, 1, in->len);
    }
    return d->state == DONE ? HTTP_CHUNKED_DONE : HTTP_CHUNKED_MORE;
}
