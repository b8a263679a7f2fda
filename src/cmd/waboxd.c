/* waboxd: the server. Parses arguments, starts the application, exits. */
#include "app/api/api_md.h"
#include "app/api/routes.h"
#include "app/app.h"
#include "app/channel/engine_wa.h"
#include "app/realtime/asyncapi.h"
#include "app/rest/docs.h"
#include "base/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

static int print_help(struct bx_buf *out)
{
    bx_buf_lit(out,
               "waboxd: the WaBox server\n\n"
               "  waboxd [--name=value …]     start; every setting below is a flag, an\n"
               "                              environment variable or a line of ./.env\n"
               "  waboxd --demo               start with demo data and the login admin/admin123\n"
               "  waboxd --env-file=PATH …    another file than ./.env\n"
               "  waboxd --openapi | --asyncapi | --api-md | --postman   print a document\n"
               "  waboxd --help | -h | --version\n\nSettings:\n");
    return wb_config_help(out);
}

static int print_version(struct bx_buf *out)
{
    return bx_buf_lit(out, "waboxd " WB_VERSION "\n");
}

static int print_openapi(struct bx_buf *out)
{
    return wb_openapi_write(&wb_routes, out);
}

static int print_api_md(struct bx_buf *out)
{
    return wb_api_md_write(&wb_routes, out);
}

static int print_postman(struct bx_buf *out)
{
    return wb_postman_write(&wb_routes, out);
}

static const struct {
    const char *flag;
    int (*write)(struct bx_buf *out);
} printers[] = {{"--help", print_help},
                {"-h", print_help},
                {"--version", print_version},
                {"--openapi", print_openapi},
                {"--asyncapi", wb_asyncapi_write},
                {"--api-md", print_api_md},
                {"--postman", print_postman}};

static bool print_document(const char *flag, int *out_code)
{
    for (size_t i = 0; i < sizeof printers / sizeof printers[0]; i++) {
        if (strcmp(flag, printers[i].flag) != 0)
            continue;
        struct bx_buf out;
        bx_buf_init(&out, 0);
        int rc = printers[i].write(&out);
        if (rc >= 0)
            fwrite(out.data, 1, out.len, stdout);
        bx_buf_done(&out);
        *out_code = rc < 0 || fflush(stdout) != 0;
        return true;
    }
    return false;
}

static void announce(const struct wb_app *app, const char *password)
{
    const struct wb_config *c = app->config;
    bool is_any = strcmp(c->host, "0.0.0.0") == 0 || strcmp(c->host, "::") == 0;
    bx_log_say("WaBox %s is ready: log in at %s://%s:%u/", WB_VERSION,
               c->tls_cert ? "https" : "http", is_any ? "localhost" : c->host, app->port);
    if (password[0])
        bx_log_say("First start: log in as %s with the password %s (shown this once)",
                   c->admin_username, password);
    if (c->is_demo)
        bx_log_say("Demo: log in as %s with the password %s", c->admin_username,
                   c->admin_password ? c->admin_password : WB_DEMO_PASSWORD);
    printf("{\"ready\":true,\"port\":%u}\n", app->port);
    fflush(stdout);
}

static int run(const struct wb_config *config)
{
    struct wb_app *app = NULL;
    struct bx_buf message;
    char password[64] = "";
    bx_buf_init(&message, 4096);
    int rc = wb_app_start(config, &wb_engine_wa, password, sizeof password, &app, &message);
    if (rc < 0) {
        bx_log_say("waboxd cannot start: %.*s", (int)message.len, (char *)message.data);
        _exit(1); /* modules stop on a running loop; those that were started end with the process */
    }
    announce(app, password);
    explicit_bzero(password, sizeof password);
    wb_app_run(app);
    bx_buf_done(&message);
    wb_app_free(app);
    return 0;
}

int main(int argc, char **argv)
{
    int code;
    if (argc == 2 && print_document(argv[1], &code))
        return code;
    signal(SIGPIPE, SIG_IGN);
    umask(077); /* the database holds what people wrote */
    struct wb_config config;
    struct bx_buf message;
    int rest = 0;
    bx_buf_init(&message, 4096);
    int rc = wb_config_load(&config, argc, argv, &rest, &message);
    if (rc == BX_OK && rest > 0) {
        bx_buf_printf(&message, "\"%s\" is no flag; see waboxd --help", argv[1]);
        rc = BX_E_INVALID;
    }
    enum bx_log_level level = BX_LOG_INFO;
    const char *format = getenv("LOG_FORMAT"); /* loading may have stopped before it */
    if (rc == BX_OK || !format)
        format = config.log_format;
    bool is_json = format && strcmp(format, "json") == 0;
    bx_log_level_parse(bx_str(config.log_level), &level);
    bx_log_setup(level, is_json ? BX_LOG_JSON : BX_LOG_LOGFMT);
    if (rc < 0) {
        bx_log_say("waboxd cannot start: %.*s", (int)message.len, (char *)message.data);
        code = EXIT_USAGE;
    } else {
        code = run(&config);
    }
    bx_buf_done(&message);
    wb_config_done(&config);
    return code;
}
