/* A number in a file: its contacts, chats and messages, to move it to another WaBox or to keep it. JSON
 * lines: a header, one row a line, an end with the count and the SHA-256 of everything before it, so
 * that a partial or changed file is refused before anything is written.
 *
 * Not in the file, by decision (docs/adr/0003): credentials and Signal keys. A device that runs in two
 * places breaks both; the number is linked anew where it is imported. Neither the event log (seq starts
 * again, clients get a resync) nor who was permitted. Messages that still waited are FAILED.
 */
#ifndef WB_NUMBER_FILE_H
#define WB_NUMBER_FILE_H

#include "base/json_write.h"
#include "store/store.h"

#include <jansson.h>
#include <stdio.h>

enum { WB_NUMBER_FILE_VERSION = 1 };
#define WB_NUMBER_FILE_KIND "wabox-number"

struct wb_number_counts {
    int64_t contacts, chats, messages;
};

/* Writes the number into a new file (mode 0600), one moment of the store. BX_E_EXISTS: the file is
 * there. `message` gets the sentence of a failure; nothing is left behind then. */
int wb_number_export(struct st_conn *conn, int64_t number_id, const char *path,
                     struct wb_number_counts *out, struct bx_buf *message);

/* Puts the export into the audit log; before it happens, so that none goes unnoticed. */
int wb_number_export_note(struct st_writer *writer, int64_t number_id);

/* Reads it back, all in one transaction. BX_E_INVALID: not such a file; BX_E_VERSION: by a newer
 * program; BX_E_CORRUPT: incomplete or changed; BX_E_EXISTS: that phone is here. */
int wb_number_import(struct st_writer *writer, const char *path, int64_t *out_number_id,
                     struct wb_number_counts *out, struct bx_buf *message);

/* --- between the two: one table per kind of row says which members a line has --- */

enum wb_cell_kind { WB_CELL_INT, WB_CELL_INT32, WB_CELL_BOOL, WB_CELL_TEXT, WB_CELL_BLOB };

struct wb_cell {
    const char *key;
    enum wb_cell_kind kind;
    size_t at;        /* in the struct */
    int64_t min, max; /* of numbers */
};

struct wb_cells {
    const struct wb_cell *list;
    size_t count;
};

extern const struct wb_cells wb_number_cells, wb_contact_cells, wb_chat_cells, wb_member_cells,
    wb_message_cells, wb_media_cells, wb_reaction_cells, wb_receipt_cells;

/* Members into the open object; what is absent, zero or false is left out. */
void wb_cells_write(struct bx_json_writer *w, const struct wb_cells *cells, const void *row);
/* Fills `row` (zeroed by the caller); texts are the object's or the arena's. BX_E_INVALID with the key
 * in *out_key: a member of another type or out of bounds. */
int wb_cells_read(const json_t *object, const struct wb_cells *cells, void *row, struct bx_arena *a,
                  const char **out_key);

#endif
