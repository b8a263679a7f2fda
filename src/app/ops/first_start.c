#include "app/ops/first_start.h"

#include "base/clock.h"
#include "crypto/password.h"

/* A running server looks at this row now and then (watch.c) and asks the store anew. */
static int touch(struct st_tx *tx)
{
    uint64_t mark = bx_random_below(UINT64_MAX);
    return st_setting_set(tx, BX_STR(WB_ACCESS_MARK), bx_str_n(&mark, sizeof mark));
}

struct job {
    const struct wb_admin *admin;
    const char *login;
    char hash[CR_PASSWORD_TEXT_SIZE];
    bool only_when_empty;
};

static int audit(struct st_tx *tx, const char *action, int64_t user_id, struct bx_arena *arena)
{
    struct st_audit row = {.action = bx_str(action),
                           .target = bx_arena_printf(arena, "user:%lld", (long long)user_id)};
    int64_t id;
    return st_audit_append(tx, &row, &id);
}

static int has_user(struct st_tx *tx, struct bx_arena *arena, bool *out)
{
    const struct st_user_query first = {.role = -1, .limit = 1};
    struct st_user *users;
    size_t count;
    int64_t total = 0;
    int rc = st_user_list(st_tx_conn(tx), &first, arena, &users, &count, &total);
    *out = total > 0;
    return rc;
}

static int create_job(struct st_tx *tx, void *arg)
{
    struct job *job = arg;
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    bool has = false;
    int rc = job->only_when_empty ? has_user(tx, &arena, &has) : BX_OK;
    bool is_due = rc == BX_OK && !has;
    if (is_due) {
        struct st_user user = {.name = bx_str(job->admin->name),
                               .username = bx_str(job->admin->username),
                               .email = bx_str(job->admin->email),
                               .password_hash = bx_str(job->hash),
                               .role = ST_ROLE_ADMIN,
                               .is_active = true};
        const char *field;
        int64_t id;
        rc = st_user_insert(tx, &user, &id, &field);
        if (rc == BX_OK)
            rc = audit(tx, "user.create", id, &arena);
        if (rc == BX_OK)
            rc = touch(tx);
    }
    bx_arena_done(&arena);
    return rc < 0 ? rc : is_due;
}

static int create(struct st_writer *writer, const struct wb_admin *admin, bool only_when_empty)
{
    struct job job = {.admin = admin, .only_when_empty = only_when_empty};
    int rc = cr_password_hash(bx_str(admin->password), CR_PASSWORD_COST, job.hash);
    return rc < 0 ? rc : st_writer_call(writer, create_job, &job);
}

int wb_admin_ensure(struct st_writer *writer, const struct wb_admin *admin)
{
    return create(writer, admin, true);
}

int wb_admin_create(struct st_writer *writer, const struct wb_admin *admin)
{
    int rc = create(writer, admin, false);
    return rc < 0 ? rc : BX_OK;
}

static int reset_job(struct st_tx *tx, void *arg)
{
    struct job *job = arg;
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    struct st_user user;
    const char *field;
    int rc = st_user_by_login(st_tx_conn(tx), bx_str(job->login), &arena, &user);
    if (rc == BX_OK) {
        user.password_hash = bx_str(job->hash);
        user.is_active = true;
        rc = st_user_update(tx, &user, &field);
    }
    if (rc == BX_OK)
        rc = st_token_revoke_user(tx, user.id, (struct bx_str){0});
    if (rc >= 0)
        rc = audit(tx, "user.update", user.id, &arena);
    if (rc >= 0)
        rc = touch(tx);
    bx_arena_done(&arena);
    return rc;
}

int wb_password_reset(struct st_writer *writer, const char *login, const char *password)
{
    struct job job = {.login = login};
    int rc = cr_password_hash(bx_str(password), CR_PASSWORD_COST, job.hash);
    return rc < 0 ? rc : st_writer_call(writer, reset_job, &job);
}
