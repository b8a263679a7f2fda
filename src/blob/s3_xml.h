/* The few answers of S3 that carry XML, sans-I/O: elements are found by name in the order in which
 * they stand; nothing is nested that matters. Malformed input gives fewer elements, never more. */
#ifndef BL_S3_XML_H
#define BL_S3_XML_H

#include "base/buf.h"

/* The content of the next <name>…</name> in *rest, as it stands there; *rest goes on behind it.
 * False: there is none. */
bool bl_xml_next(struct bx_str *rest, struct bx_str name, struct bx_str *out);

/* Content with its entities resolved (&amp; &lt; &gt; &quot; &apos; &#N; &#xN; of ASCII).
 * BX_E_INVALID, BX_E_TOO_BIG: more than size - 1. NUL behind. */
int bl_xml_text(struct bx_str content, char *out, size_t size);

/* "2025-09-16T10:30:00.000Z" as seconds; 0: not a time. */
int64_t bl_xml_time(struct bx_str content);

#endif
