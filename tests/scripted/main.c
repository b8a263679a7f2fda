/* waboxd with the scripted engine. Settings come from the environment and flags, as waboxd's do. */
#include "app/app.h"
#include "base/log.h"
#include "tests/scripted/engine.h"

#include <signal.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    struct wb_config config;
    struct wb_app *app = NULL;
    struct bx_buf message;
    int rest = 0;
    char password[64];
    signal(SIGPIPE, SIG_IGN);
    bx_buf_init(&message, 4096);
    int rc = wb_config_load(&config, argc, argv, &rest, &message);
    enum bx_log_level level = BX_LOG_INFO;
    if (rc == BX_OK) {
        bx_log_level_parse(bx_str(config.log_level), &level);
        bx_log_setup(level, BX_LOG_LOGFMT);
        rc = wb_app_start(&config, &scripted_engine, password, sizeof password, &app, &message);
    }
    if (rc < 0) {
        fprintf(stderr, "waboxd-scripted cannot start: %.*s\n", (int)message.len,
                (char *)message.data);
    } else {
        printf("{\"ready\":true,\"port\":%u}\n", app->port);
        fflush(stdout);
        wb_app_run(app);
    }
    bx_buf_done(&message);
    wb_app_free(app);
    wb_config_done(&config);
    return rc < 0;
}
