#include "base/clock.h"

#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

uint64_t bx_mono_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t bx_mono_ms(void)
{
    return bx_mono_ns() / 1000000u;
}

int64_t bx_wall_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void bx_iso8601(int64_t wall_ms, char out[BX_ISO8601_SIZE])
{
    const int64_t last = 253402300799999; /* 9999-12-31T23:59:59.999Z */
    if (wall_ms < 0)
        wall_ms = 0;
    if (wall_ms > last)
        wall_ms = last;
    time_t seconds = wall_ms / 1000;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t n = strftime(out, BX_ISO8601_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    unsigned ms = (unsigned)(wall_ms % 1000);
    const char tail[] = {
        '.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10), 'Z', 0};
    for (size_t i = 0; i < sizeof tail; i++)
        out[n + i] = tail[i];
}

void bx_random(void *out, size_t len)
{
    unsigned char *at = out;
    while (len) {
        ssize_t n = getrandom(at, len, 0);
        BX_ASSERT(n > 0 || errno == EINTR);
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
}

uint64_t bx_random_below(uint64_t bound)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound, value;
    do
        bx_random(&value, sizeof value);
    while (value >= limit);
    return value % bound;
}
