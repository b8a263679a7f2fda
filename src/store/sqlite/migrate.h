/* Numbered migrations, embedded by tools/gen_migrations.py. */
#ifndef ST_SQLITE_MIGRATE_H
#define ST_SQLITE_MIGRATE_H

#include "base/buf.h"

struct sqlite3;

struct st_migration {
    int version; /* 1, 2, … without gaps */
    const char *name, *sql;
};
extern const struct st_migration st_migrations[];
extern const int st_migration_count;

/* Brings the database to the newest version in one transaction. BX_E_VERSION when it is newer than
 * `count` rows know, BX_E_CORRUPT when it is not ours; `message` says so to a person. */
int st_migrate(struct sqlite3 *db, const struct st_migration *rows, int count,
               struct bx_buf *message);

/* Looks only. The version, or BX_E_VERSION / BX_E_CORRUPT as above. */
int st_migrate_check(struct sqlite3 *db, int count, struct bx_buf *message);

#endif
