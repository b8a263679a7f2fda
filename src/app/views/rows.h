/* Chats, messages and link states as JSON: one writer each for REST and Socket.IO, so that both
 * always tell the same. */
#ifndef WB_ROWS_H
#define WB_ROWS_H

#include "base/json_write.h"
#include "store/store.h"

struct wb_rows {
    const struct st_store *store;
    struct st_conn *conn;              /* names of people who are mentioned are read from it */
    int64_t number_id;                 /* whose rows they are */
    struct bx_str own_phone, own_name; /* of that number; the phone in digits */
    bool is_socket;                    /* phone numbers with "+", as the socket events have them */
    /* of links to files */
    struct bx_str base_url; /* ptr NULL: that of PUBLIC_URL */
    int64_t viewer_id;      /* whom the links are for; 0: whoever reads the event */
    struct bx_arena *arena;
};

void wb_chat_write(struct bx_json_writer *w, const struct wb_rows *r, const struct st_chat *chat);
/* The members without the braces, for answers that add some. */
void wb_chat_members_write(struct bx_json_writer *w, const struct wb_rows *r,
                           const struct st_chat *chat);

/* `reactions` are those of this message. */
void wb_message_write(struct bx_json_writer *w, const struct wb_rows *r, const struct st_message *m,
                      const struct st_reaction *reactions, size_t reaction_count);
/* The members without the braces, for answers that add some. */
void wb_message_members_write(struct bx_json_writer *w, const struct wb_rows *r,
                              const struct st_message *m, const struct st_reaction *reactions,
                              size_t reaction_count);
/* Those of one message out of a list of st_reaction_list. */
const struct st_reaction *wb_reactions_of(const struct st_reaction *rows, size_t count,
                                          int64_t message_id, size_t *out_count);
/* One with its reactions read from the store. */
int wb_message_write_one(struct bx_json_writer *w, const struct wb_rows *r, struct st_conn *conn,
                         const struct st_message *m);
/* An array of them; is_reversed: last row first. */
int wb_messages_write(struct bx_json_writer *w, const struct wb_rows *r, struct st_conn *conn,
                      const struct st_message *rows, size_t count, bool is_reversed);

/* {limit,offset,total} under "pagination" */
/* Also says hasMore where the page ended for its size. */
void wb_cut_page_write(struct bx_json_writer *w, int64_t limit, int64_t offset, int64_t total,
                       bool is_cut);
void wb_offset_page_write(struct bx_json_writer *w, int64_t limit, int64_t offset, int64_t total);

const char *wb_status_name(enum st_status status);
const char *wb_link_name(enum st_link_status status);

/* `out` for the rows of a number, keeps conn and arena; BX_E_NOT_FOUND. */
int wb_rows_of(struct st_conn *conn, int64_t number_id, bool is_socket, struct bx_arena *arena,
               struct wb_rows *out);

/* Text as JSON in a UUID's buffer: id of a chat or message. */
struct wb_uuid {
    char text[ST_UUID_SIZE];
};
struct wb_uuid wb_uuid_of(const struct st_store *store, enum st_uuid_kind kind, int64_t id);

#endif
