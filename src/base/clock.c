#include "base/clock.h"

#include "base/err.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
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

static void put_digits(char *out, unsigned v, int count)
{
    while (count-- > 0) {
        out[count] = (char)('0' + v % 10);
        v /= 10;
    }
}

/* Days since 1970-01-01 as a date. Years are counted from March, so that the leap day is the last,
 * and in eras of 400 years (146097 days), which are all alike. */
static void civil_date(unsigned days, unsigned *year, unsigned *month, unsigned *day)
{
    unsigned z = days + 719468; /* since 0000-03-01 */
    unsigned era = z / 146097, of_era = z % 146097;
    unsigned years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * years + years / 4 - years / 100);
    unsigned from_march = (5 * of_year + 2) / 153;
    *day = of_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = years + era * 400 + (*month <= 2);
}

/* gmtime and strftime are right but slow: rows carry several times each. */
void bx_iso8601(int64_t wall_ms, char out[BX_ISO8601_SIZE])
{
    const int64_t last = 253402300799999; /* 9999-12-31T23:59:59.999Z */
    if (wall_ms < 0)
        wall_ms = 0;
    if (wall_ms > last)
        wall_ms = last;
    unsigned day_ms = (unsigned)(wall_ms % 86400000), year, month, day;
    civil_date((unsigned)(wall_ms / 86400000), &year, &month, &day);
    memcpy(out, "0000-00-00T00:00:00.000Z", BX_ISO8601_SIZE);
    put_digits(out, year, 4);
    put_digits(out + 5, month, 2);
    put_digits(out + 8, day, 2);
    put_digits(out + 11, day_ms / 3600000, 2);
    put_digits(out + 14, day_ms / 60000 % 60, 2);
    put_digits(out + 17, day_ms / 1000 % 60, 2);
    put_digits(out + 20, day_ms % 1000, 3);
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

/* `count` digits at text[at]; -1 when one of them is none. */
static int digits_at(const char *text, size_t at, size_t count)
{
    int value = 0;
    for (size_t i = at; i < at + count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

static bool fraction_of(const char *text, size_t len, int *out_ms)
{
    *out_ms = 0;
    if (len == 0)
        return true;
    if (len < 2 || len > 10 || text[0] != '.')
        return false;
    for (size_t i = 1; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
    }
    for (size_t i = 1; i <= 3; i++)
        *out_ms = *out_ms * 10 + (i < len ? text[i] - '0' : 0);
    return true;
}

int bx_iso8601_parse(const char *text, size_t len, int64_t *out_wall_ms)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd";
    const size_t fixed = sizeof form - 1;
    int ms;
    if (len < fixed + 1 || text[len - 1] != 'Z' || !fraction_of(text + fixed, len - fixed - 1, &ms))
        return BX_E_INVALID;
    for (size_t i = 0; i < fixed; i++) {
        if (form[i] != 'd' && text[i] != form[i])
            return BX_E_INVALID;
    }
    struct tm tm = {.tm_year = digits_at(text, 0, 4) - 1900,
                    .tm_mon = digits_at(text, 5, 2) - 1,
                    .tm_mday = digits_at(text, 8, 2),
                    .tm_hour = digits_at(text, 11, 2),
                    .tm_min = digits_at(text, 14, 2),
                    .tm_sec = digits_at(text, 17, 2)};
    struct tm asked = tm;
    time_t s = timegm(&tm); /* carries 30 February over into March: then the fields differ */
    if (asked.tm_year < 70 || tm.tm_mon != asked.tm_mon || tm.tm_mday != asked.tm_mday ||
        tm.tm_hour != asked.tm_hour || tm.tm_min != asked.tm_min || tm.tm_sec != asked.tm_sec)
        return BX_E_INVALID;
    *out_wall_ms = (int64_t)s * 1000 + ms;
    return BX_OK;
}
