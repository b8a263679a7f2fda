/* Log in, log out, who am I. */
#include "app/api/auth.h"

#include "app/access/access.h"
#include "app/core/config.h"
#include "app/core/context.h"
#include "app/core/failures.h"
#include "app/core/limit.h"
#include "app/views/shapes.h"
#include "base/clock.h"
#include "crypto/jwt.h"
#include "crypto/password.h"

#define END                                                                                        \
    {                                                                                              \
        .type = WB_END                                                                             \
    }

const struct wb_schema wb_login_body = {
    .name = "LoginRequest",
    .fields = (const struct wb_field[]){
        {"username", WB_STR, MUST, 1, 254, .alias = "email", .help = "Username or e-mail."},
        {"password", WB_STR, MUST | WB_SECRET | WB_BLANK_OK, 1, 1024},
        END}};

static const struct wb_schema login_user = {
    .name = "LoginUser",
    .fields = (const struct wb_field[]){{"id", WB_INT, MUST},
                                        {"name", WB_STR, MUST},
                                        {"username", WB_STR, MUST},
                                        {"email", WB_STR, MUST},
                                        {"role", WB_ENUM, MUST, .choices = "ADMIN|USER"},
                                        {"createdAt", WB_TIME, MUST},
                                        END}};

static const struct wb_schema login_data = {
    .fields = (const struct wb_field[]){
        {"user", WB_REF, MUST, .ref = &login_user}, {"token", WB_STR, MUST}, END}};

const struct wb_schema wb_login_answer = {
    .name = "LoginAnswer",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"user", WB_REF, MUST, .ref = &login_user},
                                        {"token", WB_STR, MUST},
                                        {"data", WB_REF, MUST, .ref = &login_data},
                                        END}};

static const struct wb_schema me_data = {
    .fields = (const struct wb_field[]){{"user", WB_REF, MUST, .ref = &wb_user_shape}, END}};

const struct wb_schema wb_me_answer = {
    .name = "MeAnswer",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"user", WB_REF, MUST, .ref = &wb_user_shape},
                                        {"data", WB_REF, MUST, .ref = &me_data},
                                        END}};

const struct wb_schema wb_me_body = {
    .name = "MeUpdate",
    .is_partial = true,
    .fields = (const struct wb_field[]){
        {"name", WB_STR, 0, 1, 120},
        {"email", WB_EMAIL, 0},
        {"currentPassword", WB_STR, WB_SECRET | WB_BLANK_OK, 1, 1024,
         .help = "Needed for a new password."},
        {"newPassword", WB_STR, WB_SECRET | WB_BLANK_OK, WB_PASSWORD_MIN, WB_PASSWORD_MAX},
        END}};

const struct wb_schema wb_me_updated = {
    .name = "MeUpdated",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"user", WB_REF, MUST, .ref = &wb_user_shape},
                                        END}};

/* --- log in --- */

enum { TOKEN_ID_BYTES = 16 };

struct login {
    struct st_user user;
    char jti[2 * TOKEN_ID_BYTES + 1];
    struct bx_str token;
    int64_t issued_at, expires_at;
};

static struct bx_str account_of(const struct wb_request *rq)
{
    struct bx_str name = wb_json_str(rq->body, "username");
    return bx_str_trim(name.ptr ? name : wb_json_str(rq->body, "email"));
}

static int issue(struct wb_request *rq, struct login *login)
{
    uint8_t id[TOKEN_ID_BYTES];
    bx_random(id, sizeof id);
    bx_hex_encode(id, sizeof id, login->jti);
    login->issued_at = bx_wall_ms();
    login->expires_at = login->issued_at + rq->app->config->jwt_expires_ms;
    struct cr_jwt_claims claims = {
        .id = bx_str(login->jti),
        .sub = bx_arena_printf(&rq->arena, "%lld", (long long)login->user.id),
        .iat_s = login->issued_at / 1000,
        .exp_s = login->expires_at / 1000,
    };
    return cr_jwt_issue(rq->app->jwt_key, &claims, &rq->arena, &login->token);
}

struct failed_login {
    struct bx_str ip, details;
};

static int failed_login_job(struct st_tx *tx, void *arg)
{
    const struct failed_login *f = arg;
    struct st_audit row = {.action = BX_STR("login.failed"), .ip = f->ip, .details = f->details};
    int64_t id;
    return st_audit_append(tx, &row, &id);
}

/* The audit tells of refused logins too. The throttle bounds how many rows a stranger can make. */
static int failed_login_note(struct wb_request *rq, struct bx_str account)
{
    struct bx_buf text;
    struct bx_json_writer w;
    bx_buf_init(&text, 1024);
    bx_json_writer_init(&w, &text);
    bx_json_object(&w);
    bx_json_key_str(&w, "username", bx_str_slice(account, 0, 100));
    bx_json_end(&w);
    struct failed_login f = {.ip = bx_str(rq->ip),
                             .details = bx_arena_str(&rq->arena, bx_buf_view(&text))};
    int rc = bx_json_writer_rc(&w);
    bx_buf_done(&text);
    return rc < 0 ? rc : st_writer_call(rq->app->writer, failed_login_job, &f);
}

/* --- is the password right? The one place that asks, whatever the call --- */

enum { KNOWN_ADDRESSES = 200 };

/* Whether the password of this user was right at this address before. A failure of the store: no. */
static bool is_known_address(struct wb_request *rq, int64_t user_id)
{
    struct bx_str *rows;
    size_t count = 0;
    char here[WB_LIMIT_ADDRESS_SIZE], there[WB_LIMIT_ADDRESS_SIZE];
    struct bx_str at = wb_limit_address(bx_str(rq->ip), here);
    bool is_known = false;
    if (!user_id ||
        st_token_addresses(rq->conn, user_id, KNOWN_ADDRESSES, &rq->arena, &rows, &count) < 0)
        return false;
    for (size_t i = 0; !is_known && i < count; i++)
        is_known = bx_str_eq(wb_limit_address(rows[i], there), at);
    return is_known;
}

static int fail_throttled(struct wb_request *rq, uint64_t wait_ms)
{
    rq->retry_after_ms = (int64_t)wait_ms;
    return wb_fail(rq, BX_E_RATE_LIMITED,
                   "Too many failed login attempts. Try again in %llu seconds.",
                   (unsigned long long)(wait_ms + 999) / 1000);
}

/* BX_E_AUTH: it is not. BX_E_RATE_LIMITED, with the answer: too many were not. `user` NULL: nobody has
 * the name `account`; that takes as long. On a lane of hashers. A known account counts by its id, so
 * that name, e-mail and the calls of a logged-in user share its tries. */
static int password_check(struct wb_request *rq, const struct st_user *user, struct bx_str account,
                          struct bx_str password)
{
    struct wb_throttle *t = rq->app->throttle;
    struct bx_str ip = bx_str(rq->ip);
    struct bx_str key = user ? bx_arena_printf(&rq->arena, "#%lld", (long long)user->id)
                             : bx_arena_printf(&rq->arena, "?%.*s", BX_STR_ARG(account));
    bool is_known = is_known_address(rq, user ? user->id : 0);
    uint64_t wait = is_known ? wb_throttle_try_known(t, key, ip, bx_mono_ms())
                             : wb_throttle_try(t, key, ip, bx_mono_ms());
    if (wait)
        return fail_throttled(rq, wait);
    int rc =
        user ? cr_password_verify(password, bx_arena_strndup(&rq->arena, user->password_hash.ptr,
                                                             user->password_hash.len))
             : cr_password_verify_nobody(password, CR_PASSWORD_COST);
    if (rc == BX_OK && user && !user->is_active)
        rc = BX_E_AUTH;
    if (rc == BX_E_AUTH)
        wb_failure_note(WB_FAILURE_LOGIN, "ip=%s user=%lld", rq->ip,
                        (long long)(user ? user->id : 0));
    else if (is_known)
        wb_throttle_forgive_known(t, key, ip, bx_mono_ms());
    else
        wb_throttle_forgive(t, key, ip, bx_mono_ms());
    return rc;
}

/* The same work and the same words whether the user is unknown, inactive or mistyped. */
int wb_auth_login_check(struct wb_request *rq)
{
    struct bx_str account = account_of(rq), password = wb_json_str(rq->body, "password");
    struct login *login = rq->local = BX_ARENA_NEW(&rq->arena, struct login);
    int rc = st_user_by_login(rq->conn, account, &rq->arena, &login->user);
    if (rc < 0 && rc != BX_E_NOT_FOUND)
        return rc;
    rc = password_check(rq, rc == BX_OK ? &login->user : NULL, account, password);
    if (rc == BX_E_AUTH) {
        int noted = failed_login_note(rq, account);
        return noted < 0 ? noted : wb_fail(rq, rc, "Invalid credentials");
    }
    return rc < 0 ? rc : issue(rq, login);
}

static void login_user_write(struct bx_json_writer *w, const struct st_user *user)
{
    bx_json_key(w, "user");
    bx_json_object(w);
    bx_json_key_i64(w, "id", user->id);
    bx_json_key_str(w, "name", user->name);
    bx_json_key_str(w, "username", user->username);
    bx_json_key_str(w, "email", user->email);
    bx_json_key_cstr(w, "role", wb_role_name(user->role));
    bx_json_key_time(w, "createdAt", user->created_at);
    bx_json_end(w);
}

static void on_logged_in(struct wb_request *rq)
{
    const struct login *login = rq->local;
    wb_access_token_add(rq->app->access, bx_str(login->jti), login->user.id, login->expires_at);
}

int wb_auth_login(struct wb_request *rq)
{
    const struct login *login = rq->local;
    struct st_token row = {.jti = bx_str(login->jti),
                           .user_id = login->user.id,
                           .issued_at = login->issued_at,
                           .expires_at = login->expires_at,
                           .ip = bx_str(rq->ip),
                           .user_agent = bx_str_slice(rq->user_agent, 0, 200)};
    int rc = st_token_insert(rq->tx, &row);
    if (rc < 0)
        return rc;
    rq->after = on_logged_in;
    rq->audit_user_id = login->user.id;
    wb_answer_open(rq, "Login successful");
    login_user_write(&rq->w, &login->user);
    bx_json_key_str(&rq->w, "token", login->token);
    bx_json_key(&rq->w, "data");
    bx_json_object(&rq->w);
    login_user_write(&rq->w, &login->user);
    bx_json_key_str(&rq->w, "token", login->token);
    bx_json_end(&rq->w);
    return wb_answer_end(rq);
}

/* --- who am I (on the loop, from memory: must answer while passwords are hashed) --- */

int wb_auth_me(struct wb_request *rq)
{
    struct st_user user;
    int rc = wb_access_user(rq->app->access, rq->who.user_id, &rq->arena, &user);
    if (rc < 0)
        return rc;
    bx_json_object(&rq->w);
    bx_json_key_bool(&rq->w, "success", true);
    bx_json_key(&rq->w, "user");
    wb_user_write(&rq->w, &user);
    bx_json_key(&rq->w, "data");
    bx_json_object(&rq->w);
    bx_json_key(&rq->w, "user");
    wb_user_write(&rq->w, &user);
    bx_json_end(&rq->w);
    return wb_answer_end(rq);
}

/* --- one's own profile --- */

struct profile {
    struct st_user user;
    bool has_new_password;
    char hash[CR_PASSWORD_TEXT_SIZE];
};

int wb_auth_me_update_check(struct wb_request *rq)
{
    struct profile *p = rq->local = BX_ARENA_NEW(&rq->arena, struct profile);
    struct bx_str fresh = wb_json_str(rq->body, "newPassword");
    if (!fresh.ptr)
        return BX_OK;
    struct bx_str current = wb_json_str(rq->body, "currentPassword");
    if (!current.ptr)
        return wb_fail_field(rq, "currentPassword", "currentPassword is required");
    struct st_user user;
    int rc = st_user_get(rq->conn, rq->who.user_id, &rq->arena, &user);
    if (rc < 0)
        return rc;
    rc = password_check(rq, &user, user.username, current);
    if (rc == BX_E_AUTH)
        return wb_fail_field(rq, "currentPassword", "The current password is incorrect");
    p->has_new_password = true;
    return rc < 0 ? rc : cr_password_hash(fresh, CR_PASSWORD_COST, p->hash);
}

static void on_me_updated(struct wb_request *rq)
{
    const struct profile *p = rq->local;
    if (p->has_new_password)
        wb_access_logout_all(rq->app->access, rq->who.user_id, bx_str(rq->who.jti));
    wb_access_user_put(rq->app->access, &p->user);
}

int wb_auth_me_update(struct wb_request *rq)
{
    struct profile *p = rq->local;
    struct st_user *user = &p->user;
    int rc = st_user_get(rq->conn, rq->who.user_id, &rq->arena, user);
    if (rc < 0)
        return rc;
    struct bx_str name = wb_json_str(rq->body, "name"), email = wb_json_str(rq->body, "email");
    user->name = name.ptr ? bx_str_trim(name) : user->name;
    user->email = email.ptr ? email : user->email;
    user->password_hash = p->has_new_password ? bx_str(p->hash) : user->password_hash;
    const char *field = "";
    rc = st_user_update(rq->tx, user, &field);
    if (rc == BX_E_EXISTS)
        return wb_fail(rq, rc, "Email already exists");
    if (rc == BX_OK && p->has_new_password)
        rc = st_token_revoke_user(rq->tx, user->id, bx_str(rq->who.jti));
    if (rc < 0)
        return rc;
    user->updated_at = st_tx_now(rq->tx);
    rq->after = on_me_updated;
    wb_answer_open(rq, "Profile updated successfully");
    bx_json_key(&rq->w, "user");
    wb_user_write(&rq->w, user);
    return wb_answer_end(rq);
}

/* --- log out --- */

static void on_logged_out(struct wb_request *rq)
{
    wb_access_logout(rq->app->access, rq->who.user_id, bx_str(rq->who.jti));
}

int wb_auth_logout(struct wb_request *rq)
{
    if (rq->who.jti[0] == '\0')
        return wb_fail(rq, BX_E_INVALID, "An API key has no login to end. Delete the key instead.");
    int rc = st_token_revoke(rq->tx, bx_str(rq->who.jti));
    if (rc < 0)
        return rc;
    rq->after = on_logged_out;
    wb_answer_open(rq, "Logout successful");
    return wb_answer_end(rq);
}
