/* waboxctl: what the person who runs WaBox does beside the server. Settings come from where waboxd
 * takes them (.env, environment, flags). */
#include "app/core/config.h"
#include "app/core/phone.h"
#include "app/core/secrets.h"
#include "app/ops/data_dir.h"
#include "app/ops/doctor.h"
#include "app/ops/first_start.h"
#include "app/ops/number_file.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/version.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

struct tool {
    const struct wb_config *config;
    char path[1024]; /* of the database */
    struct st_store *store;
    struct st_writer *writer;
    struct st_conn *conn;
    int lock; /* of the data directory; -1: not taken */
};

/* `object`: the file, login or number that the command was given; NULL: none. */
static int say_of(int rc, const char *what, const char *object)
{
    static const struct {
        int rc;
        const char *why;
    } whys[] = {{BX_E_NOT_FOUND, "it does not exist"},
                {BX_E_EXISTS, "it exists already"},
                {BX_E_DENIED, "permission denied"},
                {BX_E_DISK_FULL, "the disk is full"}};
    const char *why = bx_err_info(rc)->sentence;
    for (size_t i = 0; i < sizeof whys / sizeof whys[0]; i++) {
        if (whys[i].rc == rc)
            why = whys[i].why;
    }
    if (rc < 0)
        fprintf(stderr, "%s%s%s: %s\n", what, object ? " " : "", object ? object : "", why);
    return rc < 0 ? 1 : 0;
}

static int say(int rc, const char *what)
{
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", what, bx_err_info(rc)->sentence);
    return rc < 0 ? 1 : 0;
}

/* For what must not happen under a running server. */
static int take_data_dir(struct tool *t)
{
    struct bx_buf message;
    bx_buf_init(&message, 4096);
    int rc = wb_data_dir_take(t->config->data_dir, &t->lock, &message);
    if (rc < 0)
        fprintf(stderr, "%.*s\n", (int)message.len, (char *)message.data);
    bx_buf_done(&message);
    return rc;
}

static void on_upgrade(int from, int to, void *arg)
{
    (void)arg;
    fprintf(stderr,
            "The database is brought from schema %d to %d; with millions of messages this takes "
            "minutes.\n",
            from, to);
}

enum { READS = 0, WRITES = 1, MAKES = 2 };

/* MAKES: a database too, where there is none; the others look after the one there is. */
static int open_store(struct tool *t, unsigned how)
{
    struct st_options options = {.path = t->path, .on_upgrade = on_upgrade};
    struct bx_buf message;
    bool has_writer = how & WRITES;
    bx_buf_init(&message, 4096);
    int rc = wb_database_check(t->config->data_dir, how & MAKES, &message);
    if (rc == BX_OK && (how & MAKES))
        mkdir(t->config->data_dir, 0700);
    if (rc == BX_OK)
        rc = st_store_open(&options, &t->store, &message);
    if (rc < 0)
        fprintf(stderr, "%.*s (%s)\n", (int)message.len, (char *)message.data, t->path);
    bx_buf_done(&message);
    if (rc == BX_OK)
        rc = st_conn_open(t->store, &t->conn);
    if (rc == BX_OK && has_writer)
        rc = st_writer_start(t->store, NULL, &t->writer);
    return rc;
}

static void close_store(struct tool *t)
{
    if (t->writer)
        st_writer_stop(t->writer);
    if (t->conn)
        st_conn_close(t->conn);
    st_store_close(t->store);
}

/* The password given, or one made here, which is printed once it is stored. */
static const char *password_of(char **args, int index, int count, char made[17])
{
    if (index < count)
        return args[index];
    wb_password_make(made);
    return made;
}

static int say_password(int rc, const char *what, const char *login, const char *made)
{
    if (rc >= 0 && made[0])
        printf("password: %s\n", made);
    return say_of(rc, what, login);
}

static int create_admin(struct tool *t, char **args, int count)
{
    char made[17] = "";
    int rc = open_store(t, MAKES | WRITES);
    if (rc < 0)
        return 1;
    struct wb_admin admin = {args[0], args[0], args[1], password_of(args, 2, count, made)};
    return say_password(wb_admin_create(t->writer, &admin), "cannot create the administrator",
                        args[0], made);
}

static int reset_password(struct tool *t, char **args, int count)
{
    char made[17] = "";
    int rc = open_store(t, WRITES);
    if (rc < 0)
        return 1;
    rc = wb_password_reset(t->writer, args[0], password_of(args, 1, count, made));
    return say_password(rc, "cannot reset the password of", args[0], made);
}

static int doctor(struct tool *t, char **args, int count)
{
    (void)args, (void)count;
    struct bx_buf out;
    bx_buf_init(&out, 0);
    int failed = wb_doctor(t->config, &out);
    fwrite(out.data, 1, out.len, stdout);
    bx_buf_done(&out);
    return failed > 0;
}

static int backup(struct tool *t, char **args, int count)
{
    (void)count;
    if (open_store(t, READS) < 0)
        return 1;
    int rc = st_backup(t->conn, args[0]);
    if (rc == BX_OK)
        printf("%s is complete. Keep %s/master.key with it: credentials are sealed with it.\n",
               args[0], t->config->data_dir);
    return say_of(rc, "cannot write", args[0]);
}

static int restore(struct tool *t, char **args, int count)
{
    (void)count;
    struct bx_buf message;
    if (take_data_dir(t) < 0)
        return 1;
    bx_buf_init(&message, 4096);
    int rc = st_restore(args[0], t->path, &message);
    if (message.len)
        fprintf(stderr, "%.*s\n", (int)message.len, (char *)message.data);
    bx_buf_done(&message);
    return say_of(rc, "cannot restore", args[0]);
}

static int forget_devices(struct tool *t, char **args, int count)
{
    (void)args, (void)count;
    if (take_data_dir(t) < 0 || open_store(t, WRITES) < 0)
        return 1;
    int rc = wb_devices_forget(t->writer);
    if (rc == BX_OK)
        printf(
            "Every number must be linked again; remove the devices called WaBox on the phones.\n");
    return say(rc, "forget-devices");
}

static int failed(struct bx_buf *message)
{
    fprintf(stderr, "%.*s\n", (int)message->len, (char *)message->data);
    bx_buf_done(message);
    return 1;
}

/* By phone, in any form that the page accepts, or by id. */
static int number_find(struct tool *t, const char *text, int64_t *out)
{
    struct bx_arena arena;
    struct st_number row;
    struct bx_str s = bx_str(text);
    char phone[WB_PHONE_SIZE];
    uint64_t id;
    bx_arena_init(&arena, 0);
    int rc = st_number_by_phone(t->conn, s, &arena, &row);
    if (rc == BX_E_NOT_FOUND && wb_phone_parse(s, t->config->default_country_code, phone) == BX_OK)
        rc = st_number_by_phone(t->conn, bx_str(phone), &arena, &row);
    if (rc == BX_E_NOT_FOUND && bx_str_u64(s, INT64_MAX, &id) == BX_OK)
        rc = st_number_get(t->conn, (int64_t)id, &arena, &row);
    if (rc == BX_OK)
        *out = row.id;
    bx_arena_done(&arena);
    return rc;
}

static void print_counts(const char *what, const struct wb_number_counts *c)
{
    printf("%s: %lld contacts, %lld chats, %lld messages.\n", what, (long long)c->contacts,
           (long long)c->chats, (long long)c->messages);
}

static int export_number(struct tool *t, char **args, int count)
{
    (void)count;
    int64_t id;
    struct wb_number_counts counts;
    struct bx_buf message;
    int rc = open_store(t, WRITES);
    if (rc < 0)
        return 1;
    rc = number_find(t, args[0], &id);
    if (rc == BX_E_NOT_FOUND)
        return fprintf(stderr, "There is no WhatsApp number with the id or phone %s.\n", args[0]),
               1;
    if (rc == BX_OK)
        rc = wb_number_export_note(t->writer, id);
    if (rc < 0)
        return say(rc, "export");
    bx_buf_init(&message, 4096);
    if (wb_number_export(t->conn, id, args[1], &counts, &message) < 0)
        return failed(&message);
    bx_buf_done(&message);
    print_counts(args[1], &counts);
    puts("It holds messages in the clear and no credentials: keep it safe, link the number anew "
         "where it is imported.");
    return 0;
}

static int import_number(struct tool *t, char **args, int count)
{
    (void)count;
    int64_t id;
    struct wb_number_counts counts;
    struct bx_buf message;
    if (take_data_dir(t) < 0 || open_store(t, MAKES | WRITES) < 0)
        return 1;
    bx_buf_init(&message, 4096);
    if (wb_number_import(t->writer, args[0], &id, &counts, &message) < 0)
        return failed(&message);
    bx_buf_done(&message);
    char what[64];
    snprintf(what, sizeof what, "Number %lld", (long long)id);
    print_counts(what, &counts);
    puts("Start waboxd, grant it to its agents and link it.");
    return 0;
}

static void on_progress(int64_t done, int64_t total, void *arg)
{
    (void)arg;
    fprintf(stderr, "\r%lld of %lld", (long long)done, (long long)total);
}

static int64_t number_at(char **args, int index, int count, int64_t fallback)
{
    uint64_t n;
    if (index >= count || bx_str_u64(bx_str(args[index]), INT64_MAX, &n) < 0)
        return fallback;
    return (int64_t)n;
}

static int seed(struct tool *t, char **args, int count)
{
    if (take_data_dir(t) < 0)
        return 1;
    if (open_store(t, MAKES) < 0)
        return 1;
    struct st_seed_options options = {.numbers = number_at(args, 0, count, 10),
                                      .chats = number_at(args, 1, count, 1000),
                                      .messages = number_at(args, 2, count, 10000),
                                      .long_chat = number_at(args, 3, count, 0),
                                      .seed = 1,
                                      .now = bx_wall_ms(),
                                      .has_search = true,
                                      .on_progress = on_progress};
    int rc = st_seed(t->store, &options);
    fputc('\n', stderr);
    return say(rc, "seed");
}

static const struct command {
    const char *name, *args, *help;
    int min_args, max_args;
    int (*run)(struct tool *t, char **args, int count);
} commands[] = {
    {"create-admin", "USERNAME EMAIL [PASSWORD]", "a further administrator", 2, 3, create_admin},
    {"reset-password", "LOGIN [PASSWORD]", "new password; ends the logins there are", 1, 2,
     reset_password},
    {"doctor", "", "looks for what keeps waboxd from working", 0, 0, doctor},
    {"backup", "FILE", "copies the database while waboxd runs", 1, 1, backup},
    {"restore", "FILE", "puts a backup in place; waboxd must be stopped", 1, 1, restore},
    {"forget-devices", "", "for a lost master.key: drops every link; waboxd must be stopped", 0, 0,
     forget_devices},
    {"export", "NUMBER FILE", "a number (id or phone) with its contacts, chats and messages", 2, 2,
     export_number},
    {"import", "FILE", "puts an exported number in place; waboxd must be stopped", 1, 1,
     import_number},
    {"seed", "[NUMBERS [CHATS [MESSAGES [OF-THEM-IN-FIRST-CHAT]]]]",
     "rows for load tests; waboxd must be stopped", 0, 4, seed},
};

static void print_command(FILE *to, const struct command *c)
{
    fprintf(to, "  waboxctl %s %s\n      %s\n", c->name, c->args, c->help);
}

static void print_help(FILE *to)
{
    fprintf(to, "waboxctl: administers a WaBox\n\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        print_command(to, &commands[i]);
    fprintf(to, "  waboxctl [COMMAND] --help | --version\n"
                "\nSettings are those of waboxd, as --data-dir=PATH; see waboxd --help\n");
}

static int usage(void)
{
    print_help(stderr);
    return EXIT_USAGE;
}

/* --help, -h and --version, alone or beside a command, before any setting is read: help must not
 * depend on a correct configuration. Words behind "--" are not options. */
static bool print_asked(int argc, char **argv)
{
    const struct command *of = NULL;
    bool has_help = false, has_version = false;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        has_help |= strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
        has_version |= strcmp(argv[i], "--version") == 0;
        for (size_t k = 0; !of && k < sizeof commands / sizeof commands[0]; k++)
            of = strcmp(argv[i], commands[k].name) == 0 ? &commands[k] : NULL;
    }
    if (has_version && !has_help)
        puts("waboxctl " BX_VERSION);
    else if (has_help && of)
        print_command(stdout, of);
    else if (has_help)
        print_help(stdout);
    return has_help || has_version;
}

static int run(const struct wb_config *config, int argc, char **argv)
{
    struct tool t = {.config = config, .lock = -1};
    snprintf(t.path, sizeof t.path, "%s/wabox.db", config->data_dir);
    for (size_t i = 0; argc > 0 && i < sizeof commands / sizeof commands[0]; i++) {
        const struct command *c = &commands[i];
        if (strcmp(argv[0], c->name) != 0)
            continue;
        if (argc - 1 < c->min_args || argc - 1 > c->max_args)
            return usage();
        int code = c->run(&t, argv + 1, argc - 1);
        close_store(&t);
        if (t.lock >= 0)
            close(t.lock);
        return code;
    }
    return usage();
}

int main(int argc, char **argv)
{
    struct wb_config config;
    struct bx_buf message;
    int rest = 0, code;
    if (print_asked(argc, argv))
        return fflush(stdout) != 0;
    bx_log_setup(BX_LOG_WARN, BX_LOG_LOGFMT);
    umask(077); /* backups are as private as the database */
    bx_buf_init(&message, 4096);
    if (wb_config_load(&config, argc, argv, &rest, &message) < 0) {
        fprintf(stderr, "waboxctl: %.*s\n", (int)message.len, (char *)message.data);
        code = EXIT_USAGE;
    } else {
        code = run(&config, rest, argv + 1);
    }
    bx_buf_done(&message);
    wb_config_done(&config);
    return code;
}
