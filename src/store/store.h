/* The repository interface: everything WaBox keeps, without a word of SQL.
 *
 * Three handles:
 *   st_store   the opened database. Any thread.
 *   st_conn    a connection that reads. One thread at a time: each worker owns one.
 *   st_tx      a transaction that writes. Exists only inside a job of st_writer (writer.h part
 *              below); st_tx_conn gives the connection that sees what the transaction wrote.
 * Functions that take an st_tx change something, functions that take an st_conn do not; the type
 * says which thread you are on.
 *
 * Memory: a row that is read fills a struct of types.h; its texts live in the arena given (may be
 * NULL only where a comment says so). Everything passed in is borrowed for the call.
 *
 * Errors, everywhere, not repeated below (out_* are untouched on failure):
 *   BX_E_NOT_FOUND  no such row (or it belongs to a number that is deleted)
 *   BX_E_EXISTS     a unique value is taken          BX_E_INVALID   a reference points nowhere
 *   BX_E_DISK_FULL, BX_E_READ_ONLY, BX_E_IO, BX_E_NOMEM   the environment; the store stays usable
 *                   and works again when the cause is gone
 *   BX_E_AGAIN      another process holds the database too long; try again
 *   BX_E_CORRUPT    the file is damaged: run the integrity check, restore a backup
 *
 * Paging: every list that can be long takes a key (`after`, `before`) and a limit; limit is clamped
 * to 1..ST_LIMIT_MAX (0 means ST_LIMIT_DEFAULT), offset to 0 or more. Offsets are offered where the
 * contract has them and cost what they skip.
 */
#ifndef ST_STORE_H
#define ST_STORE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/metrics.h"
#include "store/types.h"

struct st_store;
struct st_conn;
struct st_tx;
struct st_writer;

enum { ST_LIMIT_DEFAULT = 50, ST_LIMIT_MAX = 1000 };
/* A page of messages, hits or events also ends with the row that makes it this large. */
enum { ST_PAGE_BYTES = 1 << 20 };
/* Was the last such page of this conn shorter than its limit for that reason? */
bool st_page_is_cut(const struct st_conn *conn);

/* ==== store ==== */

enum st_sync {
    ST_SYNC_FULL,  /* a commit survives power loss (default) */
    ST_SYNC_NORMAL /* a commit survives kill -9; power loss may take the last ones */
};

struct st_options {
    const char *path; /* database file; its directory exists */
    enum st_sync sync;
    bool is_read_only;   /* no migration, no writer */
    int64_t max_bytes;   /* cap on the file, then BX_E_DISK_FULL; 0: none */
    int64_t cache_bytes; /* of the writer; readers have a quarter each. 0: 64 MiB */
    int64_t mmap_bytes;  /* of readers. 0: the whole file (address space, not memory); -1: none */
    /* Rows of an older schema are about to be brought to the newest: may take minutes. NULL:
     * nothing is said. */
    void (*on_upgrade)(int from, int to, void *arg);
    void *arg;
};

/* Opens or creates the database and applies pending migrations in one transaction. Returns the
 * store (st_store_close it). On failure `message` has a sentence for a person. BX_E_VERSION: the
 * file was written by a newer program, nothing was touched. BX_E_CORRUPT: not a database of ours.
 */
int st_store_open(const struct st_options *options, struct st_store **out, struct bx_buf *message);
/* After every conn and writer of it is closed. NULL is allowed. */
void st_store_close(struct st_store *store);

/* Names the event logs of this database: made with it, another one after a restored backup, so that
 * a seq of before is not mistaken for one of after. Static while the store is open. */
const char *st_log_epoch(const struct st_store *store);

/* Is the file under the path still the one that was opened? Every commit asks too. Any thread.
 * BX_E_STALE: it was replaced or removed; BX_E_CORRUPT: it was cut. Both: restart, restore. */
int st_store_file_check(struct st_store *store);

/* Schema version in the file. */
int st_store_version(struct st_store *store);

/* Public ids. A UUID carries its row id under a key of this store: no table, no guessing, no
 * counting from outside. `kind` is part of it, so a chat's id never passes for a message's. */
enum st_uuid_kind { ST_UUID_SESSION = 1, ST_UUID_CHAT = 2, ST_UUID_MESSAGE = 3 };
void st_uuid_format(const struct st_store *store, enum st_uuid_kind kind, int64_t id,
                    char out[ST_UUID_SIZE]);
/* BX_E_NOT_FOUND for anything that st_uuid_format of this store did not make (also for text that is
 * no UUID at all). Existence of the row is not checked. Either letter case. */
int st_uuid_parse(const struct st_store *store, enum st_uuid_kind kind, struct bx_str text,
                  int64_t *out_id);

/* Reader. Belongs to one thread at a time. Returns it (st_conn_close it before the store). */
int st_conn_open(struct st_store *store, struct st_conn **out);
void st_conn_close(struct st_conn *conn);
struct st_store *st_conn_store(struct st_conn *conn);

/* Between these two, all reads of the conn see one moment. They nest not; end soon, because the log
 * of the database cannot shrink meanwhile. */
int st_read_begin(struct st_conn *conn);
void st_read_end(struct st_conn *conn);

/* ==== writer: one thread, group commit ====
 *
 * Jobs run one after another: those of one turn (below) in the order of submission, those of
 * different turns so that each gets its share of the writer's time. Several share one transaction; each runs
 * in a savepoint, so a job that fails undoes only itself. `on_done` follows after the transaction
 * is durable (or has failed as a whole: then every job of it gets that error and nothing of it is
 * in the store). Submitting while a commit is on its way is what makes groups: nobody waits for
 * company.
 */

/* On the writer thread, inside the transaction. A negative return undoes this job. Must not block
 * on anything but the store. */
typedef int st_job_fn(struct st_tx *tx, void *arg);
/* On the writer thread, after the commit: rc is the job's own result (>= 0) or the failure. Exactly
 * once per accepted job, in order. Must be short (post to the loop's inbox). May submit. */
typedef void st_done_fn(int rc, void *arg);

struct st_writer_options {
    unsigned max_jobs;       /* per transaction; 0: 4096 */
    unsigned max_latency_ms; /* a transaction is committed after this long even when jobs keep
                                coming, ten times later when more jobs wait than it has; 0: 20 */
    unsigned linger_us;      /* wait so long for more jobs before a commit; 0: do not */
    unsigned max_queue;      /* jobs waiting; beyond: BX_E_FULL. 0: 65536 */
    unsigned slow_ms;        /* on_slow hears of jobs that took so long; 0: of none */
    void (*on_slow)(uint64_t ms, void *arg); /* writer thread; must be short */
    void *arg;
};

/* `options` may be NULL. Returns the writer, its thread running. A store has one. */
int st_writer_start(struct st_store *store, const struct st_writer_options *options,
                    struct st_writer **out);
/* Any thread. `arg` is kept until on_done (may be NULL) has run. BX_E_FULL: slow down;
 * BX_E_CLOSED: stopping; neither calls on_done. */
int st_writer_submit(struct st_writer *writer, st_job_fn *job, void *arg, st_done_fn *on_done);
/* On whose account a job runs. Owners (numbers) share the writer's time, and so do the peers
 * (contacts) of one; who has used little goes first. st_writer_submit: owner 0, peer 0. */
struct st_turn {
    uint64_t owner, peer;
    bool is_droppable; /* it comes again by itself: a stop need not run it (BX_E_CLOSED) */
};
/* As st_writer_submit. BX_E_FULL also when the owner has a quarter of the queue. */
int st_writer_submit_turn(struct st_writer *writer, const struct st_turn *turn, st_job_fn *job,
                          void *arg, st_done_fn *on_done);
/* Before a stop: from so many ms on droppable jobs, those that wait included, end with BX_E_CLOSED
 * instead of being run. Any thread. */
void st_writer_drop_after(struct st_writer *writer, unsigned ms);
/* Submits and waits until it is durable; returns the job's result. Not on the writer thread. */
int st_writer_call(struct st_writer *writer, st_job_fn *job, void *arg);
/* Before a stop: waits until every accepted job has run and its on_done has returned, droppable jobs
 * as with st_writer_stop. Jobs may still be submitted. Not on the writer thread. */
void st_writer_drain(struct st_writer *writer);
/* Runs what was accepted (droppable jobs for a second at most, unless st_writer_drop_after said
 * otherwise), commits, ends the thread, frees the writer. Not on the writer thread. */
void st_writer_stop(struct st_writer *writer);

struct st_conn *st_tx_conn(struct st_tx *tx);
/* Wall clock of this transaction, ms: one value for all rows of a job. */
int64_t st_tx_now(const struct st_tx *tx);
/* The result of the last transaction that tried to commit something: BX_OK, or what /health says.
 * A failing store is tried again by every job. */
int st_writer_health(const struct st_writer *writer);
/* Jobs in the queue. Any thread. */
size_t st_writer_waiting(struct st_writer *writer);

/* Rows for /metrics (static storage; register once per process). */
extern struct bx_metric st_metrics[];
extern const size_t st_metric_count;
extern struct bx_histogram st_job_seconds, st_wait_seconds;

/* ==== maintenance ==== */

/* Copies the whole database into a new file while work goes on. BX_E_EXISTS when `path` exists. */
int st_backup(struct st_conn *conn, const char *path);
/* Checks the backup and replaces the database file `path` by it, atomically; the store must be
 * closed. BX_E_CORRUPT, BX_E_VERSION (made by a newer program): nothing was touched. */
int st_restore(const char *backup_path, const char *path, struct bx_buf *message);

/* Structure, foreign keys, search index, unread counts, chat and message counters, event logs. One
 * line per finding in `report`; returns how many. `is_quick` leaves out what reads every page. */
int st_check(struct st_conn *conn, bool is_quick, struct bx_buf *report);
/* Mends what can be derived: search index, counters. */
int st_repair(struct st_tx *tx);

struct st_stats {
    int64_t users, numbers, sessions, contacts, chats, messages, outbox, events, audit, keys;
    int64_t file_bytes, wal_bytes, free_bytes;
};
int st_stats(struct st_conn *conn, struct st_stats *out);

/* Numbers, chats and messages for load tests, in large transactions past the writer. The store must
 * have no writer. Same seed, same rows. */
struct st_seed_options {
    int64_t numbers, chats, messages; /* totals: 1000, 1000000, 10000000 */
    int64_t long_chat; /* about as many of the messages go to the first chat; 0: as in life */
    uint64_t seed;
    int64_t now;                                                 /* ms; the newest message */
    bool has_search;                                             /* fill the search index too */
    void (*on_progress)(int64_t done, int64_t total, void *arg); /* may be NULL */
    void *arg;
};
int st_seed(struct st_store *store, const struct st_seed_options *options);

/* ==== settings ==== */

int st_setting_get(struct st_conn *conn, struct bx_str name, struct bx_arena *a,
                   struct bx_str *out);
int st_setting_set(struct st_tx *tx, struct bx_str name, struct bx_str value);
int st_setting_delete(struct st_tx *tx, struct bx_str name);

/* ==== users, tokens, api keys ==== */

enum st_user_sort {
    ST_USER_BY_ID,
    ST_USER_BY_NAME,
    ST_USER_BY_USERNAME,
    ST_USER_BY_EMAIL,
    ST_USER_BY_ROLE,
    ST_USER_BY_CREATED,
    ST_USER_BY_UPDATED
};

struct st_user_query {
    struct bx_str search; /* in name, username, email; NULL: all */
    int role;             /* st_role, or -1: any */
    enum st_user_sort sort;
    bool is_descending;
    int64_t limit, offset;
};

/* id, created_at, updated_at of the argument are ignored. BX_E_EXISTS: somebody else has that name
 * or address or one that folds to the same, or a name that looks the same; *out_field says which
 * ("username", "email"; static text). */
int st_user_insert(struct st_tx *tx, const struct st_user *user, int64_t *out_id,
                   const char **out_field);
/* Writes every field but created_at. BX_E_STATE: would demote or deactivate the last active
 * ADMIN. */
int st_user_update(struct st_tx *tx, const struct st_user *user, const char **out_field);
/* Its permissions and tokens go with it; messages keep their text but lose the name. BX_E_STATE:
 * the last active ADMIN. */
int st_user_delete(struct st_tx *tx, int64_t id);
int st_user_get(struct st_conn *conn, int64_t id, struct bx_arena *a, struct st_user *out);
/* By username or email as bx_fold compares them; as it is written before what only folds to it. */
int st_user_by_login(struct st_conn *conn, struct bx_str login, struct bx_arena *a,
                     struct st_user *out);
int st_user_list(struct st_conn *conn, const struct st_user_query *query, struct bx_arena *a,
                 struct st_user **out, size_t *out_count, int64_t *out_total);

int st_token_insert(struct st_tx *tx, const struct st_token *token);
int st_token_get(struct st_conn *conn, struct bx_str jti, struct bx_arena *a, struct st_token *out);
/* BX_OK also when it was revoked before. */
/* Addresses from which the user logged in, as st_token_insert had them, newest first; of logins that
 * have ended as well, until st_token_purge. */
int st_token_addresses(struct st_conn *conn, int64_t user_id, int limit, struct bx_arena *a,
                       struct bx_str **out, size_t *out_count);
int st_token_revoke(struct st_tx *tx, struct bx_str jti);
/* Returns how many; `except` (may be NULL) stays valid. */
int st_token_revoke_user(struct st_tx *tx, int64_t user_id, struct bx_str except);
/* Drops tokens that expired before, at most max_rows; returns how many. */
int st_token_purge(struct st_tx *tx, int64_t expired_before, int64_t max_rows);

int st_api_key_insert(struct st_tx *tx, const struct st_api_key *key, int64_t *out_id);
int st_api_key_by_hash(struct st_conn *conn, struct bx_str key_hash, struct bx_arena *a,
                       struct st_api_key *out);
int st_api_key_list(struct st_conn *conn, struct bx_arena *a, struct st_api_key **out,
                    size_t *out_count);
int st_api_key_touch(struct st_tx *tx, int64_t id); /* last_used_at; call it now and then */
int st_api_key_revoke(struct st_tx *tx, int64_t id);
/* Drops keys that were revoked or expired before, at most max_rows; returns how many. */
int st_api_key_purge(struct st_tx *tx, int64_t ended_before, int64_t max_rows);

/* For monitoring: how many numbers are in each state of enum st_link_status, how many messages wait in
 * each of enum st_outbox_state, and since when the oldest does (0: none). */
enum { ST_MONITOR_STATES = 5, ST_MONITOR_OUTBOX = 3 };
struct st_monitor {
    int64_t numbers[ST_MONITOR_STATES], outbox[ST_MONITOR_OUTBOX], outbox_oldest_at;
};
int st_monitor_read(struct st_conn *conn, struct st_monitor *out);

/* ==== numbers, permissions, sessions ==== */

enum st_number_sort {
    ST_NUMBER_BY_ID,
    ST_NUMBER_BY_NAME,
    ST_NUMBER_BY_PHONE,
    ST_NUMBER_BY_ACTIVE,
    ST_NUMBER_BY_CREATED
};

struct st_number_query {
    struct bx_str search; /* in name and phone; NULL: all */
    struct bx_str digits; /* with a search: or these, in phone; NULL: none */
    int is_active;        /* 0, 1, or -1: any */
    int64_t permitted_to; /* user id: only numbers with a permission; 0: all */
    int64_t api_key_id;   /* only those the key is bound to, if it is bound; 0: all */
    enum st_number_sort sort;
    bool is_descending;
    int64_t limit, offset;
};

/* name, phone, is_active, policy are read. BX_E_EXISTS: that phone is there. */
int st_number_insert(struct st_tx *tx, const struct st_number *number, int64_t *out_id);
int st_number_update(struct st_tx *tx, const struct st_number *number);
int st_number_get(struct st_conn *conn, int64_t id, struct bx_arena *a, struct st_number *out);
int st_number_by_phone(struct st_conn *conn, struct bx_str phone, struct bx_arena *a,
                       struct st_number *out);
int st_number_list(struct st_conn *conn, const struct st_number_query *query, struct bx_arena *a,
                   struct st_number **out, size_t *out_count, int64_t *out_total);
/* The number vanishes at once (its phone is free again); its rows go with st_number_purge. */
int st_number_delete(struct st_tx *tx, int64_t id);
/* Removes up to max_rows rows of any deleted number; returns how many were removed, 0 when nothing
 * is left. Call it in small jobs, also after a restart. */
int st_number_purge(struct st_tx *tx, int64_t max_rows);

/* BX_E_EXISTS: granted before. */
int st_permission_insert(struct st_tx *tx, int64_t user_id, int64_t number_id, int64_t *out_id);
int st_permission_delete(struct st_tx *tx, int64_t id);
int st_permission_get(struct st_conn *conn, int64_t id, struct bx_arena *a,
                      struct st_permission *out);
struct st_permission_query {
    int64_t user_id;    /* 0: of everybody */
    int64_t api_key_id; /* as in st_number_query */
    int64_t limit, offset;
};
int st_permission_list(struct st_conn *conn, const struct st_permission_query *query,
                       struct bx_arena *a, struct st_permission **out, size_t *out_count,
                       int64_t *out_total);
/* BX_OK or BX_E_DENIED. Knows nothing of roles: an ADMIN need not ask. */
int st_permission_check(struct st_conn *conn, int64_t user_id, int64_t number_id);
/* Every permitted number id, ascending. */
int st_permission_numbers(struct st_conn *conn, int64_t user_id, struct bx_arena *a, int64_t **out,
                          size_t *out_count);
/* Every user with a permission on the number. */
int st_permission_users(struct st_conn *conn, int64_t number_id, struct bx_arena *a, int64_t **out,
                        size_t *out_count);

struct st_session_query {
    int status;           /* st_link_status, or -1: any */
    int is_active;        /* 0, 1, or -1: any */
    int64_t permitted_to; /* user id; 0: all */
    int64_t api_key_id;   /* as above */
    int64_t limit, offset;
    bool is_unlimited; /* all rows, limit and offset ignored */
};

/* Makes the number's session (PENDING) or returns the id of the one there is. */
int st_session_ensure(struct st_tx *tx, int64_t number_id, int64_t *out_id);
/* Writes every field but number_id, created_at and credentials. A move to CONNECTED sets
 * last_connected_at when the argument has 0 there. */
int st_session_update(struct st_tx *tx, const struct st_session *session);
int st_session_get(struct st_conn *conn, int64_t id, struct bx_arena *a, struct st_session *out);
int st_session_by_number(struct st_conn *conn, int64_t number_id, struct bx_arena *a,
                         struct st_session *out);
/* CONNECTED first, then by id. */
int st_session_list(struct st_conn *conn, const struct st_session_query *query, struct bx_arena *a,
                    struct st_session **out, size_t *out_count, int64_t *out_total);
/* The blob is the caller's (sealed before it comes here). NULL removes it. */
int st_session_credentials_set(struct st_tx *tx, int64_t number_id, struct bx_str sealed);
/* BX_E_NOT_FOUND: no session, or none stored. */
int st_session_credentials_get(struct st_conn *conn, int64_t number_id, struct bx_arena *a,
                               struct bx_str *out);
/* Drops credentials and every st_key of the number; the row stays. */
int st_session_wipe(struct st_tx *tx, int64_t number_id);
int st_session_delete(struct st_tx *tx, int64_t id);

/* ==== contacts ==== */

/* What resolving an identity did; the caller announces it. */
struct st_contact_found {
    int64_t contact_id;
    int64_t chat_id; /* the contact's chat; 0: has none yet */
    bool is_new;
    bool is_merged;         /* two contacts turned out to be one person */
    int64_t merged_chat_id; /* the chat that went into chat_id and is gone; 0: none. Its id still
                               finds chat_id (st_chat_get and all others follow). */
};

/* The contact with this phone or this LID (one of them may be NULL, not both); made when there is
 * none. Knowing both, it joins what was two contacts: chats, messages, reactions, receipts,
 * memberships. Messages that both chats had are kept once; unread counts are what the rows say
 * then. */
int st_contact_resolve(struct st_tx *tx, int64_t number_id, struct bx_str phone, struct bx_str lid,
                       struct st_contact_found *out);
/* A NULL text keeps what is there, an empty one clears it. */
int st_contact_names_set(struct st_tx *tx, int64_t contact_id, struct bx_str name,
                         struct bx_str push_name, struct bx_str business_name);
/* `phone` is another writing of the number of that account: the contact that has it is renamed, or
 * joined with the account's, and is found by either from now on. */
int st_contact_alias(struct st_tx *tx, int64_t number_id, struct bx_str phone,
                     struct bx_str account_phone, struct st_contact_found *out);
int st_contact_block(struct st_tx *tx, int64_t contact_id, bool is_blocked);
int st_contact_get(struct st_conn *conn, int64_t id, struct bx_arena *a, struct st_contact *out);
/* By phone or LID, whichever is not NULL. */
int st_contact_find(struct st_conn *conn, int64_t number_id, struct bx_str phone, struct bx_str lid,
                    struct bx_arena *a, struct st_contact *out);
/* Ascending by id. */
int st_contact_list(struct st_conn *conn, int64_t number_id, int64_t after_id, int64_t limit,
                    struct bx_arena *a, struct st_contact **out, size_t *out_count);

/* ==== chats ==== */

/* The contact's chat; made when there is none. *out_is_new may be NULL. */
int st_chat_ensure(struct st_tx *tx, int64_t contact_id, int64_t *out_id, bool *out_is_new);
/* The group's chat by its JID ("…@g.us"); `subject` NULL keeps the known one. */
int st_chat_ensure_group(struct st_tx *tx, int64_t number_id, struct bx_str jid,
                         struct bx_str subject, int64_t *out_id, bool *out_is_new);

int st_chat_get(struct st_conn *conn, int64_t id, struct bx_arena *a, struct st_chat *out);
/* By group JID, or "digits@s.whatsapp.net" / "digits@lid" of its contact. */
int st_chat_by_jid(struct st_conn *conn, int64_t number_id, struct bx_str jid, struct bx_arena *a,
                   struct st_chat *out);

enum st_archived { ST_ARCHIVED_OUT, ST_ARCHIVED_ONLY, ST_ARCHIVED_ANY };
enum st_chat_kind { ST_CHAT_ANY, ST_CHAT_DIRECT, ST_CHAT_GROUP };

/* A place in the chat list: pinned first, then newest, then the higher id. */
struct st_chat_key {
    bool is_pinned;
    int64_t last_message_at, id; /* id 0: from the top */
};

struct st_chat_query {
    int64_t number_id;
    enum st_archived archived; /* ST_ARCHIVED_ANY lists the archived behind the others */
    enum st_chat_kind kind;
    bool unread_only;         /* unread_count > 0 or is_marked_unread */
    struct st_chat_key after; /* keyset; ignored with ST_ARCHIVED_ANY, where offset pages */
    int64_t limit, offset;
};

int st_chat_list(struct st_conn *conn, const struct st_chat_query *query, struct bx_arena *a,
                 struct st_chat **out, size_t *out_count);
/* How many rows the query has without limit. O(1) without kind and unread_only. */
int st_chat_count(struct st_conn *conn, const struct st_chat_query *query, int64_t *out_total);
/* Changes with every commit that changed a chat or contact of the number or how it is called,
 * before the writer's on_done; a list and count read after the mark was taken stand while it stays
 * the same. Numbers may share a mark. Any thread. */
uint64_t st_chat_mark(const struct st_store *store, int64_t number_id);
/* `text` anywhere in name or number, ASCII letters without regard to case, or `digits` (ptr NULL:
 * none) anywhere in the number; list order, archived included. */
int st_chat_search(struct st_conn *conn, int64_t number_id, struct bx_str text,
                   struct bx_str digits, int64_t limit, struct bx_arena *a, struct st_chat **out,
                   size_t *out_count);
/* Sum of unread_count over the chats that are not archived. */
int st_chat_unread_total(struct st_conn *conn, int64_t number_id, int64_t *out);

int st_chat_pin(struct st_tx *tx, int64_t id, bool is_pinned);
int st_chat_archive(struct st_tx *tx, int64_t id, bool is_archived);
int st_chat_mute(struct st_tx *tx, int64_t id, int64_t muted_until);
int st_chat_mark_unread(struct st_tx *tx, int64_t id, bool is_marked);
/* seconds 0: off. Returns 1, or 0 when it is that already or was set later than set_at. */
int st_chat_timer_set(struct st_tx *tx, int64_t id, int64_t seconds, int64_t set_at);
int st_chat_subject_set(struct st_tx *tx, int64_t id, struct bx_str subject);
int st_chat_meta_set(struct st_tx *tx, int64_t id, struct bx_str json);
/* Removes all messages; the chat stays. */
int st_chat_clear(struct st_tx *tx, int64_t id);
int st_chat_delete(struct st_tx *tx, int64_t id);

/* Unread, defined: message.is_unread is set at insertion when the caller says the message counts
 * (st_message_new.counts_unread) and it is not from us; reading clears it; nothing sets it again.
 * chat.unread_count == count(messages of the chat with is_unread), in every committed state.
 *
 * Clears up to and including the message `upto` (0: all) in chat order and is_marked_unread with
 * it. What was unread comes out oldest first, for read receipts: at most the newest ST_LIMIT_MAX
 * of them. out/out_count may be NULL. Returns how many messages became read. */
struct st_read_message {
    int64_t id;
    struct bx_str wa_id;
    int64_t sender_id;
    int64_t timestamp;
};
int st_chat_read(struct st_tx *tx, int64_t chat_id, int64_t upto, struct bx_arena *a,
                 struct st_read_message **out, size_t *out_count);

/* Group members; contact_id and role are read. _set replaces all. */
int st_member_set(struct st_tx *tx, int64_t chat_id, const struct st_member *members, size_t count);
int st_member_put(struct st_tx *tx, int64_t chat_id, int64_t contact_id, enum st_member_role role);
int st_member_delete(struct st_tx *tx, int64_t chat_id, int64_t contact_id);
int st_member_list(struct st_conn *conn, int64_t chat_id, struct bx_arena *a,
                   struct st_member **out, size_t *out_count);
/* Groups of the number that the contact is a member of; newest message first. */
int st_member_groups(struct st_conn *conn, int64_t contact_id, int64_t limit, struct bx_arena *a,
                     struct st_chat **out, size_t *out_count);
/* The contact's chat; BX_E_NOT_FOUND: none yet. */
int st_chat_of_contact(struct st_conn *conn, int64_t contact_id, int64_t *out_id);

/* ==== messages ==== */

struct st_message_new {
    struct st_message message;    /* id, number_id, stored_at, is_unread, has_media, edited_at,
                                     revoked_at and "not written" fields are ignored */
    bool counts_unread;           /* raise unread (never for messages from us) */
    bool keeps_preview;           /* do not show it as the chat's last message (reactions, …) */
    struct bx_str raw;            /* protobuf as received or sent; NULL: none */
    const struct st_media *media; /* NULL: none; its message_id is ignored */
};

struct st_message_stored {
    int64_t id;
    bool is_new; /* false: the same message was there; nothing was changed. Its key is (chat,
                    wa_id, from us or not, in a group the sender), which implies the number. */
    bool is_chat_changed; /* it became the last message, or raised unread */
};

/* Stores it, moves the chat's preview, time and counters, and the number's last_activity_at. */
int st_message_insert(struct st_tx *tx, const struct st_message_new *message,
                      struct st_message_stored *out);

int st_message_get(struct st_conn *conn, int64_t id, struct bx_arena *a, struct st_message *out);
/* What a chat list shows of a last message beside its preview; costs the same however long it is. */
struct st_message_head {
    struct bx_str wa_id, sender_name; /* the name is NULL for own messages and unknown senders */
    bool is_from_me;
    enum st_status status;
};
int st_message_head(struct st_conn *conn, int64_t id, struct bx_arena *a,
                    struct st_message_head *out);
/* sender_id matters in groups for messages that are not from us, else 0. */
int st_message_find(struct st_conn *conn, int64_t chat_id, struct bx_str wa_id, bool is_from_me,
                    int64_t sender_id, struct bx_arena *a, struct st_message *out);
/* Like _find without knowing who wrote it (quotes): the newest match. */
int st_message_by_wa_id(struct st_conn *conn, int64_t chat_id, struct bx_str wa_id,
                        struct bx_arena *a, struct st_message *out);
/* The one that has this id, whoever wrote it. BX_E_NOT_FOUND: none, or several. */
int st_message_only(struct st_conn *conn, int64_t chat_id, struct bx_str wa_id, struct bx_arena *a,
                    struct st_message *out);
/* BX_E_NOT_FOUND: none kept. */
int st_message_raw(struct st_conn *conn, int64_t id, struct bx_arena *a, struct bx_str *out);

/* A place in a chat: (timestamp, id). */
struct st_history_query {
    int64_t chat_id;
    int64_t before; /* message id: older than it; 0: from the newest */
    int64_t after;  /* message id: newer than it, ascending; wins over before. -1: from the
                       oldest */
    int64_t around; /* message id: half of the page before it, then it, then the rest */
    int64_t limit, offset;
};
/* Newest first (with `after`: oldest first, with `around`: oldest first). BX_E_NOT_FOUND: no such
 * chat, or the key message is not in it. */
int st_message_history(struct st_conn *conn, const struct st_history_query *query,
                       struct bx_arena *a, struct st_message **out, size_t *out_count);
/* Every message of a number, ascending by id: export. */
int st_message_list(struct st_conn *conn, int64_t number_id, int64_t after_id, int64_t limit,
                    struct bx_arena *a, struct st_message **out, size_t *out_count);
int st_message_starred(struct st_conn *conn, int64_t number_id, int64_t before_id, int64_t limit,
                       struct bx_arena *a, struct st_message **out, size_t *out_count);

/* Moves the status forward and stamps its time; returns 1 when it moved, 0 when the message is
 * there already or further (not an error). `error` only with ST_FAILED. */
int st_message_status(struct st_tx *tx, int64_t id, enum st_status status, int64_t at,
                      struct bx_str error);
/* Everything of ours in the chat up to the message moves (WhatsApp's "read up to"); the ids that
 * moved come out ascending, at most ST_LIMIT_MAX (call again while it returns that many). */
int st_message_status_upto(struct st_tx *tx, int64_t chat_id, int64_t upto, enum st_status status,
                           int64_t at, struct bx_arena *a, int64_t **out, size_t *out_count);
/* Completes a placeholder: type, content, caption, file_name, quoted_*, mentions, flags, raw,
 * media are taken from the argument; unread, order and key stay. BX_E_STATE: is no placeholder. */
int st_message_fill(struct st_tx *tx, int64_t id, const struct st_message_new *message);
/* New text (for media: new caption); returns 1, or 0 when this or a newer edit was applied, or the
 * message is revoked. Of two with the same time the later call counts. */
int st_message_edit(struct st_tx *tx, int64_t id, struct bx_str content, int64_t edited_at);
/* "This message was deleted": text, media and raw go; returns 1, or 0 when it was revoked before.
 * `label` is the new content. */
int st_message_revoke(struct st_tx *tx, int64_t id, struct bx_str label, int64_t revoked_at);
int st_message_star(struct st_tx *tx, int64_t id, bool is_starred);
/* Delete for us: the row goes, chat counters and preview follow. */
int st_message_delete(struct st_tx *tx, int64_t id);

/* An empty emoji takes the reaction back. Returns 1, or 0 when a newer one is there. */
int st_reaction_set(struct st_tx *tx, int64_t message_id, int64_t contact_id, struct bx_str emoji,
                    int64_t reacted_at);
/* Of all these messages, ordered by message id, then time: one call for a page of history. */
int st_reaction_list(struct st_conn *conn, const int64_t *message_ids, size_t count,
                     struct bx_arena *a, struct st_reaction **out, size_t *out_count);
/* Per participant; times only fill in, never go back to 0. */
int st_receipt_put(struct st_tx *tx, const struct st_receipt *receipt);
int st_receipt_list(struct st_conn *conn, int64_t message_id, struct bx_arena *a,
                    struct st_receipt **out, size_t *out_count);

/* Votes of a poll, answers to an invitation: the newest of each person, an empty choice takes it
 * back. Returns 1, or 0 when this or a newer one is there. */
int st_response_set(struct st_tx *tx, const struct st_response *response);
int st_response_list(struct st_conn *conn, int64_t message_id, struct bx_arena *a,
                     struct st_response **out, size_t *out_count);
int st_message_details_set(struct st_tx *tx, int64_t message_id, struct bx_str json);

/* The members of the group now are those whom this message of ours went to; the first call holds. */
int st_audience_set(struct st_tx *tx, int64_t message_id);
/* Whom it went to, ascending; without a call of _set: the members now. */
int st_audience_list(struct st_conn *conn, int64_t message_id, struct bx_arena *a, int64_t **out,
                     size_t *out_count);

/* Changes (JSON with "kind": an edit, a reaction) of a message that is not here yet. When
 * ST_CHANGES_MAX of the chat wait, the oldest that is no edit or revoke goes; BX_E_FULL: there is none. */
enum { ST_CHANGES_MAX = 256 };
int st_change_keep(struct st_tx *tx, int64_t chat_id, struct bx_str target_wa_id,
                   struct bx_str change);
/* Takes those out, in order of arrival, that waited for this message, or with target_wa_id NULL for
 * any that the chat has now. */
int st_change_take(struct st_tx *tx, int64_t chat_id, struct bx_str target_wa_id,
                   struct bx_arena *a, struct st_change **out, size_t *out_count);
/* Those that have waited since before: their message does not come. Returns how many went. */
int st_change_trim(struct st_tx *tx, int64_t before, int64_t max_rows);
/* How many wait, of all numbers. */
int st_change_count(struct st_conn *conn, int64_t *out);

/* ---- files ---- */

/* As st_media_get, without the thumbnail and the key: for showing. */
int st_media_shown(struct st_conn *conn, int64_t message_id, struct bx_arena *a,
                   struct st_media *out);
/* BX_E_NOT_FOUND: the message has none. */
int st_media_get(struct st_conn *conn, int64_t message_id, struct bx_arena *a,
                 struct st_media *out);
/* Replaces the row. BX_E_NOT_FOUND: no such message. */
int st_media_put(struct st_tx *tx, const struct st_media *media);
/* State, error, attempts and next_at alone, and direct_path unless that is NULL. BX_E_NOT_FOUND: the
 * row is gone. */
int st_media_state(struct st_tx *tx, const struct st_media *media);
/* Those that wait and are due before `now`, by number in turns, the longest waiting first. At most
 * per_number of each number. */
int st_media_due(struct st_conn *conn, int64_t now, int64_t per_number, int64_t limit,
                 struct bx_arena *a, struct st_media **out, size_t *out_count);
/* When the next one is due; 0: none waits. */
int st_media_next(struct st_conn *conn, int64_t *out);
/* At start: what a crash left DOWNLOADING waits again. Returns how many. */
int st_media_resume(struct st_tx *tx);

/* Blobs that no row names: they go from the blob store first, then from the table (st_blob_forget). */
struct st_blob {
    struct bx_str id;
};
int st_blob_unused(struct st_conn *conn, int64_t limit, struct bx_arena *a, struct st_blob **out,
                   size_t *out_count);
/* A blob that was stored, but whose row is gone: it counts as unused. */
int st_blob_note(struct st_tx *tx, struct bx_str id);
/* Returns 1; 0 when a row names it (again). */
int st_blob_forget(struct st_tx *tx, struct bx_str id);

/* ---- search ---- */

struct st_search_query {
    struct bx_str text; /* every word must occur (case and accents do not matter); the last one may
                           be the start of a word with is_prefix */
    bool is_prefix;
    const int64_t *number_ids; /* only these numbers; NULL: all. Count 0 finds nothing. */
    size_t number_count;
    int64_t chat_id;   /* 0: any */
    int64_t before_id; /* message id, keyset; 0: from the newest */
    int64_t limit;
};

struct st_search_hit {
    struct st_message message;
    struct st_chat chat;
    struct bx_str snippet; /* plain text; hits between U+0002 and U+0003 */
};

/* Housekeeping: joins pieces of the search index, about so many pages of 4 KiB at a time. 1: there
 * is more to join, 0: done for now. */
int st_search_tidy(struct st_tx *tx, int64_t max_pages);

/* The index is filled anew after an update that cuts words otherwise; meanwhile a search knows the
 * newer messages only. Adds the next max_rows at the commit. 1: so it does, 0: nothing is missing.
 */
int st_search_rebuild(struct st_tx *tx, int64_t max_rows);
/* How far it is, in messages by id: done == total when nothing is missing. */
int st_search_progress(struct st_conn *conn, int64_t *out_done, int64_t *out_total);

/* Newest stored first (descending id). No word at all finds nothing. */
int st_search(struct st_conn *conn, const struct st_search_query *query, struct bx_arena *a,
              struct st_search_hit **out, size_t *out_count);

/* ==== figures for the dashboard ====
 *
 * Counted while messages are stored, per number and hour of the message's timestamp (UTC); what is
 * deleted later stays counted. A response is our first message after the customer wrote; its time
 * runs from the oldest message it answers, in ms. Divide response_ms by responses for the mean. */

struct st_hour {
    int64_t number_id; /* 0 in a sum */
    int64_t hour;      /* its first ms */
    int64_t received, sent;
    int64_t responses, response_ms, response_max_ms;
};

struct st_hour_query {
    const int64_t *number_ids; /* only these; NULL: all. Count 0 finds nothing. */
    size_t number_count;
    int64_t from, to; /* hours with from <= hour < to; to 0: open */
    bool is_sum;      /* one row per hour over all the numbers, else one per number and hour */
};

/* Ascending by hour, then number; hours without a message have no row. Costs the rows of the
 * interval, not the messages: keep it to some weeks. */
int st_hour_list(struct st_conn *conn, const struct st_hour_query *query, struct bx_arena *a,
                 struct st_hour **out, size_t *out_count);

/* ==== outbox ==== */

/* Queues a stored message of ours. BX_E_EXISTS: it is queued. */
int st_outbox_put(struct st_tx *tx, int64_t message_id, int64_t *out_id);
/* The oldest rows of a number in order, whatever their state or not_before. */
int st_outbox_list(struct st_conn *conn, int64_t number_id, int64_t after_id, int64_t limit,
                   struct bx_arena *a, struct st_outbox **out, size_t *out_count);
int st_outbox_by_message(struct st_conn *conn, int64_t message_id, struct bx_arena *a,
                         struct st_outbox *out);
/* Numbers that have rows: what to look at after a restart. */
int st_outbox_numbers(struct st_conn *conn, struct bx_arena *a, int64_t **out, size_t *out_count);
/* The row goes on the wire: state ON_WIRE, attempts + 1. */
int st_outbox_attempt(struct st_tx *tx, int64_t message_id);
/* Back to QUEUED (or HELD) with a reason and a time. */
int st_outbox_retry(struct st_tx *tx, int64_t message_id, enum st_outbox_state state,
                    int64_t not_before, struct bx_str error);
/* Every ON_WIRE row of the number is QUEUED again (connection lost); returns how many. */
int st_outbox_requeue(struct st_tx *tx, int64_t number_id);
/* Done with, sent or failed; the message's status is the caller's business. Returns 1, or 0 when
 * there was no row. */
int st_outbox_delete(struct st_tx *tx, int64_t message_id);

/* ==== event log ==== */

/* Appends and gives the next seq of the number: counts up by one, without holes, whatever other
 * jobs do or fail to do. chat_id 0: none. */
int st_event_append(struct st_tx *tx, int64_t number_id, struct bx_str type, int64_t chat_id,
                    struct bx_str payload, int64_t *out_seq);
/* Events with seq > after, ascending. */
int st_event_list(struct st_conn *conn, int64_t number_id, int64_t after, int64_t limit,
                  struct bx_arena *a, struct st_event **out, size_t *out_count);
/* Seqs in the log: oldest..last. An empty log has oldest == last + 1. A client that has seen `s`
 * can resume when s + 1 >= oldest && s <= last; else it must resync. */
int st_event_range(struct st_conn *conn, int64_t number_id, int64_t *out_oldest, int64_t *out_last);
/* Retention: drops the oldest events of the number beyond max_count (0: any number) or older than
 * `before` (0: no age), at most max_rows; returns how many. */
int st_event_trim(struct st_tx *tx, int64_t number_id, int64_t max_count, int64_t before,
                  int64_t max_rows);

/* ==== templates ==== */

struct st_template_query {
    struct bx_str search;  /* in name, command, content; NULL: all */
    struct bx_str command; /* exactly; NULL: any */
    int is_active;         /* 0, 1, or -1: any */
    int64_t limit, offset;
};

/* BX_E_EXISTS: the command is taken (letter case does not matter). */
int st_template_insert(struct st_tx *tx, const struct st_template *row, int64_t *out_id);
int st_template_update(struct st_tx *tx, const struct st_template *row);
int st_template_delete(struct st_tx *tx, int64_t id);
int st_template_get(struct st_conn *conn, int64_t id, struct bx_arena *a, struct st_template *out);
int st_template_by_command(struct st_conn *conn, struct bx_str command, struct bx_arena *a,
                           struct st_template *out);
int st_template_list(struct st_conn *conn, const struct st_template_query *query,
                     struct bx_arena *a, struct st_template **out, size_t *out_count,
                     int64_t *out_total);

/* ==== audit: append only; the oldest rows go with st_audit_trim ==== */

struct st_audit_query {
    int64_t user_id, number_id;  /* 0: any */
    struct bx_str action_prefix; /* "send", "permission."; NULL: any */
    int64_t from, to;            /* times; 0: open. `to` is exclusive */
    int64_t before_id;           /* keyset; 0: from the newest */
    int64_t limit;
};

int st_audit_append(struct st_tx *tx, const struct st_audit *entry, int64_t *out_id);
/* Newest first. */
int st_audit_list(struct st_conn *conn, const struct st_audit_query *query, struct bx_arena *a,
                  struct st_audit **out, size_t *out_count);

/* Retention: drops rows older than `before` from the front, at most max_rows; returns how many.
 * There is no other way to delete one. */
int st_audit_trim(struct st_tx *tx, int64_t before, int64_t max_rows);

/* ==== idempotency ==== */

/* Claims the key (principal, key, request_hash of the argument). BX_OK: it is yours, act and then
 * _finish in the same job or a later one. BX_E_DUPLICATE: same request came before, *out is its
 * row (response NULL: still under way). BX_E_CONFLICT: same key, other request. Here *out is filled
 * on these two failures. */
int st_idempotency_claim(struct st_tx *tx, const struct st_idempotency *claim, struct bx_arena *a,
                         struct st_idempotency *out);
int st_idempotency_finish(struct st_tx *tx, const struct st_idempotency *answer);
/* Gives the key back when the request failed and may be tried again. */
int st_idempotency_release(struct st_tx *tx, int64_t principal, struct bx_str key);
int st_idempotency_get(struct st_conn *conn, int64_t principal, struct bx_str key,
                       struct bx_arena *a, struct st_idempotency *out);
int st_idempotency_purge(struct st_tx *tx, int64_t created_before, int64_t max_rows);

/* ==== keys: Signal and app-state material, one blob per (number, kind, name) ==== */

int st_key_get(struct st_conn *conn, int64_t number_id, int kind, struct bx_str name,
               struct bx_arena *a, struct bx_str *out);
/* Inserts or replaces. */
int st_key_put(struct st_tx *tx, int64_t number_id, int kind, struct bx_str name,
               struct bx_str value);
/* Returns 1, or 0 when there was none. */
int st_key_delete(struct st_tx *tx, int64_t number_id, int kind, struct bx_str name);
/* All names that start with prefix (empty: all of the kind); returns how many. */
int st_key_delete_prefix(struct st_tx *tx, int64_t number_id, int kind, struct bx_str prefix);
/* Drops what was last written before; returns how many, at most max_rows. */
int st_key_delete_older(struct st_tx *tx, int64_t number_id, int kind, int64_t before,
                        int64_t max_rows);
/* Names that start with prefix and are greater than `after` (empty: from the first), ascending as
 * bytes. */
int st_key_list(struct st_conn *conn, int64_t number_id, int kind, struct bx_str prefix,
                struct bx_str after, int64_t limit, struct bx_arena *a, struct st_key **out,
                size_t *out_count);
int st_key_count(struct st_conn *conn, int64_t number_id, int kind, int64_t *out);
/* Names that start with `from` get `to` in its place (sessions of a phone address move to its LID).
 * Where the new name is taken, the row moved wins when is_replacing, else it is dropped. Returns
 * how many moved. */
int st_key_rename_prefix(struct st_tx *tx, int64_t number_id, int kind, struct bx_str from,
                         struct bx_str to, bool is_replacing);

#endif
