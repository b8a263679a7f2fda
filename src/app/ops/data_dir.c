#include "app/ops/data_dir.h"

#include "app/core/secrets.h"
#include "base/err.h"
#include "base/mem.h"
#include "crypto/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 1024 };

/* The setting that holds a known text, sealed with the master key. */
#define SEAL BX_STR("master.seal")
#define SEALED BX_STR("wabox")
#define KEY_FILE "master.key"

/* --- one process --- */

int wb_data_dir_take(const char *dir, int *out_lock, struct bx_buf *message)
{
    char path[PATH_SIZE];
    if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
        int rc = bx_err_from_errno(errno);
        bx_buf_printf(message, "DATA_DIR: cannot create %s: %s", dir, strerror(errno));
        return rc;
    }
    snprintf(path, sizeof path, "%s/lock", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        int rc = bx_err_from_errno(errno);
        bx_buf_printf(message, "DATA_DIR: %s cannot be written by this user: %s", dir,
                      strerror(errno));
        return rc;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        bx_buf_printf(message,
                      "DATA_DIR: %s is in use by a running waboxd (or waboxctl); stop it "
                      "first, or take another directory",
                      dir);
        close(fd);
        return BX_E_EXISTS;
    }
    *out_lock = fd;
    return BX_OK;
}

/* --- the database --- */

static bool is_there(const char *dir, const char *name, int64_t *out_bytes)
{
    char path[PATH_SIZE];
    struct stat file;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    bool found = stat(path, &file) == 0;
    *out_bytes = found ? file.st_size : 0;
    return found;
}

int wb_database_check(const char *dir, bool may_be_made, struct bx_buf *message)
{
    int64_t bytes, key_bytes;
    bool found = is_there(dir, "wabox.db", &bytes);
    bool has_keys = is_there(dir, KEY_FILE, &key_bytes) || is_there(dir, "jwt.key", &key_bytes);
    if (bytes > 0 || (may_be_made && !(found && has_keys)))
        return BX_OK;
    if (!found) {
        bx_buf_printf(message,
                      "There is no database: %s/wabox.db does not exist. Set DATA_DIR to the "
                      "directory of your server, or start waboxd once to make one.",
                      dir);
        return BX_E_NOT_FOUND;
    }
    bx_buf_printf(message,
                  "%s/wabox.db is empty, but a database was here before. Restore it with waboxctl "
                  "restore; to begin anew, move the empty file and the keys beside it away.",
                  dir);
    return BX_E_CORRUPT;
}

/* --- the master key --- */

static int seal_check(const uint8_t key[WB_MASTER_KEY_SIZE], struct bx_str box)
{
    uint8_t plain[16];
    if (box.len != SEALED.len + CR_SECRET_OVERHEAD)
        return BX_E_CRYPTO;
    return cr_secret_open(key, SEAL, box, plain);
}

/* Without a linked device nothing is lost with the key. */
static bool has_devices(struct st_conn *conn)
{
    struct bx_arena arena;
    struct st_session_query query = {.status = -1, .is_active = -1, .is_unlimited = true};
    struct st_session *rows;
    size_t count = 0;
    int64_t total;
    bool found = false;
    bx_arena_init(&arena, SIZE_MAX);
    if (st_session_list(conn, &query, &arena, &rows, &count, &total) < 0)
        found = true; /* better asked than lost */
    for (size_t i = 0; !found && i < count; i++)
        found = rows[i].jid.len > 0;
    bx_arena_done(&arena);
    return found;
}

int wb_master_key_read(const char *dir, struct st_conn *conn, uint8_t key[WB_MASTER_KEY_SIZE],
                       struct bx_buf *message)
{
    char path[PATH_SIZE];
    struct bx_arena arena;
    struct bx_str box;
    bx_arena_init(&arena, 0);
    snprintf(path, sizeof path, "%s/" KEY_FILE, dir);
    int rc = st_setting_get(conn, SEAL, &arena, &box);
    bool has_seal = rc == BX_OK, has_file = access(path, F_OK) == 0;
    if (rc < 0 && rc != BX_E_NOT_FOUND) {
        bx_buf_printf(message, "The database cannot be read: %s", bx_err_info(rc)->sentence);
    } else if (!has_file) {
        bool is_missed = has_seal && has_devices(conn);
        rc = is_missed ? BX_E_CORRUPT : BX_E_NOT_FOUND;
        if (is_missed)
            bx_buf_printf(
                message,
                "%s is missing, and without it no linked device can be opened: restore it "
                "from the backup. If it is lost, run waboxctl forget-devices and link "
                "every number again.",
                path);
    } else {
        rc = wb_secret_file(dir, KEY_FILE, key, WB_MASTER_KEY_SIZE, message);
        if (rc == BX_OK && has_seal && seal_check(key, box) < 0 && has_devices(conn)) {
            rc = BX_E_CORRUPT;
            bx_buf_printf(message,
                          "%s is not the key that this database was sealed with: restore the one "
                          "that belongs to it. If it is lost, run waboxctl forget-devices and link "
                          "every number again.",
                          path);
        }
    }
    bx_arena_done(&arena);
    return rc;
}

static int seal_job(struct st_tx *tx, void *arg)
{
    uint8_t box[64];
    cr_secret_seal(arg, SEAL, SEALED, box);
    return st_setting_set(tx, SEAL, bx_str_n(box, SEALED.len + CR_SECRET_OVERHEAD));
}

static bool is_sealed(struct st_conn *conn, const uint8_t key[WB_MASTER_KEY_SIZE])
{
    struct bx_arena arena;
    struct bx_str box;
    bx_arena_init(&arena, 0);
    bool is_ours =
        st_setting_get(conn, SEAL, &arena, &box) == BX_OK && seal_check(key, box) == BX_OK;
    bx_arena_done(&arena);
    return is_ours;
}

int wb_master_key_open(const char *dir, struct st_conn *conn, struct st_writer *writer,
                       uint8_t key[WB_MASTER_KEY_SIZE], struct bx_buf *message)
{
    int rc = wb_master_key_read(dir, conn, key, message);
    if (rc == BX_E_NOT_FOUND)
        rc = wb_secret_file(dir, KEY_FILE, key, WB_MASTER_KEY_SIZE, message);
    if (rc < 0 || is_sealed(conn, key))
        return rc;
    rc = st_writer_call(writer, seal_job, key);
    if (rc < 0)
        bx_buf_printf(message, "The database cannot be written: %s", bx_err_info(rc)->sentence);
    return rc;
}

static int forget_job(struct st_tx *tx, void *arg)
{
    (void)arg;
    struct bx_arena arena;
    struct st_session_query query = {.status = -1, .is_active = -1, .is_unlimited = true};
    struct st_session *rows;
    size_t count = 0;
    int64_t total;
    bx_arena_init(&arena, SIZE_MAX);
    int rc = st_session_list(st_tx_conn(tx), &query, &arena, &rows, &count, &total);
    for (size_t i = 0; rc >= 0 && i < count; i++)
        rc = st_session_wipe(tx, rows[i].number_id);
    if (rc >= 0)
        rc = st_setting_delete(tx, SEAL);
    bx_arena_done(&arena);
    return rc == BX_E_NOT_FOUND ? BX_OK : rc;
}

int wb_devices_forget(struct st_writer *writer)
{
    return st_writer_call(writer, forget_job, NULL);
}
