/* The data directory: who uses it now, and whether its master key is the one that its database was
 * sealed with. Needs no loop. */
#ifndef WB_DATA_DIR_H
#define WB_DATA_DIR_H

#include "store/store.h"

#include <stdint.h>

enum { WB_MASTER_KEY_SIZE = 32 };

/* Makes the directory when there is none and takes it for this process, until the descriptor is
 * closed: two servers on one directory would speak as the same device. BX_E_EXISTS: another process
 * has it. `message` gets the sentence of a failure. */
int wb_data_dir_take(const char *dir, int *out_lock, struct bx_buf *message);

/* Is there a database to open? BX_E_NOT_FOUND: none, and none may be made. BX_E_CORRUPT: the file is
 * empty though keys beside it say that it was not. Both with a sentence in `message`. */
int wb_database_check(const char *dir, bool may_be_made, struct bx_buf *message);

/* Reads the key and looks whether it opens what the database keeps for that. BX_E_NOT_FOUND: there is
 * none and none is missed. Anything else with a sentence in `message`: it is missing, damaged, or of
 * another database. */
int wb_master_key_read(const char *dir, struct st_conn *conn, uint8_t key[WB_MASTER_KEY_SIZE],
                       struct bx_buf *message);
/* The same; makes the key at the first start, and the database's seal. */
int wb_master_key_open(const char *dir, struct st_conn *conn, struct st_writer *writer,
                       uint8_t key[WB_MASTER_KEY_SIZE], struct bx_buf *message);

/* When the key is lost: drops what was sealed with it. Every number must be linked anew. */
int wb_devices_forget(struct st_writer *writer);

#endif
