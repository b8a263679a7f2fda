#include "app/ops/demo.h"

#include "app/channel/engine.h"
#include "app/core/config.h"
#include "app/core/stop.h"
#include "app/numbers/line.h"
#include "base/mem.h"
#include "crypto/password.h"

#include <string.h>

enum { LOOK_MS = 1000 };

/* --- the database --- */

/* One agent for each number, so that permissions show. */
static const struct {
    const char *number, *phone, *agent, *username, *email;
} desks[] = {
    {"Support", "6281200000001", "Anna Wijaya", "anna", "anna@example.com"},
    {"Sales", "6281200000002", "Budi Santoso", "budi", "budi@example.com"},
};

static const struct {
    const char *name, *command, *content;
} templates[] = {
    {"Greeting", "/hello", "Hello {{name}}, thank you for writing. How can we help?"},
    {"Jam buka", "/jam", "Kami buka Senin sampai Sabtu, pukul 08.00 sampai 17.00 WIB."},
    {"On its way", "/sent", "Your order is on its way, {{name}}. You will have it tomorrow."},
};

static int desk_insert(struct st_tx *tx, size_t i, const char *password_hash)
{
    struct st_number number = {
        .name = bx_str(desks[i].number), .phone = bx_str(desks[i].phone), .is_active = true};
    struct st_user agent = {.name = bx_str(desks[i].agent),
                            .username = bx_str(desks[i].username),
                            .email = bx_str(desks[i].email),
                            .password_hash = bx_str(password_hash),
                            .role = ST_ROLE_USER,
                            .is_active = true};
    int64_t number_id, user_id, id;
    const char *field;
    int rc = st_number_insert(tx, &number, &number_id);
    if (rc == BX_OK)
        rc = st_session_ensure(tx, number_id, &id);
    if (rc == BX_OK)
        rc = st_user_insert(tx, &agent, &user_id, &field);
    if (rc == BX_OK)
        rc = st_permission_insert(tx, user_id, number_id, &id);
    return rc;
}

static int count_numbers(struct st_conn *conn, int64_t *out_total)
{
    const struct st_number_query first = {.is_active = -1, .limit = 1};
    struct bx_arena arena;
    struct st_number *numbers;
    size_t count;
    bx_arena_init(&arena, 0);
    int rc = st_number_list(conn, &first, &arena, &numbers, &count, out_total);
    bx_arena_done(&arena);
    return rc;
}

static int fill_job(struct st_tx *tx, void *arg)
{
    const char *password_hash = arg;
    int64_t id, numbers;
    int rc = count_numbers(st_tx_conn(tx), &numbers);
    if (rc < 0 || numbers > 0)
        return rc;
    for (size_t i = 0; rc >= 0 && i < BX_LEN(desks); i++)
        rc = desk_insert(tx, i, password_hash);
    for (size_t i = 0; rc >= 0 && i < BX_LEN(templates); i++) {
        struct st_template row = {.name = bx_str(templates[i].name),
                                  .command = bx_str(templates[i].command),
                                  .content = bx_str(templates[i].content),
                                  .is_active = true};
        rc = st_template_insert(tx, &row, &id);
    }
    return rc;
}

int wb_demo_fill(struct st_writer *writer)
{
    char hash[CR_PASSWORD_TEXT_SIZE];
    int rc = cr_password_hash(BX_STR(WB_DEMO_PASSWORD), CR_PASSWORD_COST, hash);
    return rc < 0 ? rc : st_writer_call(writer, fill_job, hash);
}

/* --- the links --- */

/* Never scanned, and nobody said that it shall not be linked. */
static bool waits_for_a_phone(const struct wb_line *line)
{
    const struct st_session *row = &line->link.row;
    return line->is_active && !line->is_gone && !line->link.is_linked && row->id &&
           row->is_active &&
           (row->status == ST_LINK_PENDING ||
            (row->status == ST_LINK_DISCONNECTED && bx_str_is(row->reason, "qr_expired")));
}

static void on_look(void *arg)
{
    struct wb_app *app = arg;
    struct wb_line *line;
    for (size_t pos = 0; wb_line_next(app, &pos, &line);) {
        if (waits_for_a_phone(line))
            WB_ENGINE(line, start, NULL, 0);
    }
    net_timer_start(app->loop, &app->demo_timer, LOOK_MS);
}

int wb_demo_start(struct wb_app *app, struct bx_buf *message)
{
    (void)message;
    const char *whatsapp = app->config->whatsapp;
    net_timer_init(&app->demo_timer, on_look, app);
    if (app->config->is_demo && strcmp(whatsapp, "live") != 0 && strcmp(whatsapp, "off") != 0)
        net_timer_start(app->loop, &app->demo_timer, 0);
    return BX_OK;
}

void wb_demo_stop(struct wb_app *app)
{
    net_timer_stop(&app->demo_timer);
    wb_module_stopped(app);
}
