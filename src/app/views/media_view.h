/* The file of a message as JSON, and the signed links to it. */
#ifndef WB_MEDIA_VIEW_H
#define WB_MEDIA_VIEW_H

#include "app/views/rows.h"
#include "wa/media.h"

/* What links are made with; once per process, at start, before anybody is served. `base` is copied:
 * the server's address from outside, without a slash at the end. */
void wb_media_links_set(const uint8_t key[32], struct bx_str base, int64_t ttl_ms);

enum { WB_MEDIA_SIG_SIZE = 43 };
/* The signature of a link; user_id 0: for whoever has it. */
void wb_media_sign(struct bx_str message_uuid, int64_t expires_s, int64_t user_id,
                   char out[WB_MEDIA_SIG_SIZE]);

/* The file of the row; false: it has none. */
bool wb_media_of(const struct wb_rows *r, const struct st_message *m, struct st_media *out);
/* Absolute, in the arena. */
struct bx_str wb_media_url(const struct wb_rows *r, const struct st_media *file, bool is_thumb);
/* Name of the file as it is offered: what the sender named it, made safe, else "image.jpg". */
struct bx_str wb_media_name(const struct st_media *file, struct bx_arena *arena);
/* "media" with its value; file NULL: null. */
void wb_media_write(struct bx_json_writer *w, const struct wb_rows *r, const struct st_media *file);

#endif
