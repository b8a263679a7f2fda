#include "app/ops/scrape.h"

#include "base/clock.h"
#include "base/mem.h"
#include "store/store.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define US INT64_C(1000000)

#define NUMBERS(state)                                                                             \
    {                                                                                              \
        "wabox_numbers", "Numbers by the state of their link.", BX_GAUGE, "state=\"" state "\"", 0 \
    }
#define OUTBOX(state)                                                                              \
    {                                                                                              \
        "wabox_outbox_messages", "Messages that wait to be sent.", BX_GAUGE,                       \
            "state=\"" state "\"", 0                                                               \
    }

/* As enum st_link_status and enum st_outbox_state. */
static struct bx_metric numbers[] = {[ST_LINK_PENDING] = NUMBERS("PENDING"),
                                     [ST_LINK_PAIRING] = NUMBERS("PAIRING"),
                                     [ST_LINK_CONNECTED] = NUMBERS("CONNECTED"),
                                     [ST_LINK_DISCONNECTED] = NUMBERS("DISCONNECTED"),
                                     [ST_LINK_RECONNECTING] = NUMBERS("RECONNECTING")};
static struct bx_metric outbox[] = {[ST_OUTBOX_QUEUED] = OUTBOX("queued"),
                                    [ST_OUTBOX_ON_WIRE] = OUTBOX("on_wire"),
                                    [ST_OUTBOX_HELD] = OUTBOX("held")};
_Static_assert(BX_LEN(numbers) == ST_MONITOR_STATES && BX_LEN(outbox) == ST_MONITOR_OUTBOX,
               "a row per state");

enum { P_CPU, P_RESIDENT, P_VIRTUAL, P_FDS, P_MAX_FDS, P_START };
static struct bx_metric process[] = {
    [P_CPU] = {"process_cpu_seconds_total", "User and system CPU time spent.", BX_COUNTER_SECONDS,
               NULL, 0},
    [P_RESIDENT] = {"process_resident_memory_bytes", "Resident memory.", BX_GAUGE, NULL, 0},
    [P_VIRTUAL] = {"process_virtual_memory_bytes", "Virtual memory.", BX_GAUGE, NULL, 0},
    [P_FDS] = {"process_open_fds", "Open file descriptors.", BX_GAUGE, NULL, 0},
    [P_MAX_FDS] = {"process_max_fds", "Limit of open file descriptors.", BX_GAUGE, NULL, 0},
    [P_START] = {"process_start_time_seconds", "Start of the process, since the epoch.",
                 BX_GAUGE_SECONDS, NULL, 0},
};

enum { O_AGE, O_BUILD };
static char build_labels[96];
static struct bx_metric others[] = {
    [O_AGE] = {"wabox_outbox_oldest_seconds", "Age of the oldest message that waits to be sent.",
               BX_GAUGE_SECONDS, NULL, 0},
    [O_BUILD] = {"wabox_build_info", "Version of the program and schema of its database; always 1.",
                 BX_GAUGE, build_labels, 1},
};

void wb_scrape_register(struct wb_app *app)
{
    struct rlimit files;
    snprintf(build_labels, sizeof build_labels, "version=\"%s\",schema=\"%d\"", WB_VERSION,
             st_store_version(app->store));
    bx_metrics_register(&app->metrics, numbers, BX_LEN(numbers));
    bx_metrics_register(&app->metrics, outbox, BX_LEN(outbox));
    bx_metrics_register(&app->metrics, others, BX_LEN(others));
    bx_metrics_register(&app->metrics, process, BX_LEN(process));
    bx_metric_set(&process[P_START], bx_wall_ms() * 1000);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        bx_metric_set(&process[P_MAX_FDS], (int64_t)files.rlim_cur);
}

static void read_store(struct st_conn *conn)
{
    struct st_monitor m;
    if (st_monitor_read(conn, &m) < 0)
        return;
    for (size_t i = 0; i < BX_LEN(numbers); i++)
        bx_metric_set(&numbers[i], m.numbers[i]);
    for (size_t i = 0; i < BX_LEN(outbox); i++)
        bx_metric_set(&outbox[i], m.outbox[i]);
    int64_t age_ms = m.outbox_oldest_at ? bx_wall_ms() - m.outbox_oldest_at : 0;
    bx_metric_set(&others[O_AGE], age_ms > 0 ? age_ms * 1000 : 0);
}

static void read_memory(void)
{
    long long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f)
        return;
    if (fscanf(f, "%lld %lld", &pages, &resident) == 2) {
        bx_metric_set(&process[P_VIRTUAL], pages * sysconf(_SC_PAGESIZE));
        bx_metric_set(&process[P_RESIDENT], resident * sysconf(_SC_PAGESIZE));
    }
    fclose(f);
}

static void read_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int64_t count = -3; /* ".", ".." and the directory itself */
    if (!dir)
        return;
    while (readdir(dir))
        count++;
    closedir(dir);
    bx_metric_set(&process[P_FDS], count);
}

static void read_cpu(void)
{
    struct rusage use;
    if (getrusage(RUSAGE_SELF, &use) == 0)
        bx_metric_set(&process[P_CPU], (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * US +
                                           use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

void wb_scrape(struct wb_app *app, struct st_conn *conn)
{
    (void)app;
    read_store(conn);
    read_memory();
    read_files();
    read_cpu();
}
