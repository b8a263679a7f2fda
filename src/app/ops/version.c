#include "app/ops/version.h"

#include "base/clock.h"
#include "base/log.h"
#include "wa/version.h"

#define DAY_MS INT64_C(86400000)

static int64_t age_days(int64_t now_ms)
{
    return (now_ms - WA_BUILT_IN_VERSION_MS) / DAY_MS;
}

bool wb_version_check(const char *setting, int64_t now_ms, struct bx_buf *say)
{
    int64_t days = age_days(now_ms);
    if (setting) {
        bx_buf_printf(say, "it speaks as WhatsApp Web %s (WABOX_WHATSAPP_VERSION).", setting);
        return true;
    }
    bx_buf_printf(
        say, "it speaks as WhatsApp Web " WA_BUILT_IN_VERSION ", which is %lld days old%s",
        (long long)(days < 0 ? 0 : days),
        days <= WB_VERSION_OLD_DAYS
            ? "."
            : ": update WaBox, or set WABOX_WHATSAPP_VERSION to a newer one, before WhatsApp "
              "refuses it.");
    return days <= WB_VERSION_OLD_DAYS;
}

void wb_version_log(const char *setting)
{
    int64_t days = age_days(bx_wall_ms());
    if (setting)
        bx_log(BX_LOG_INFO, "app", "WhatsApp Web version set", "version=%s", setting);
    else if (days > WB_VERSION_OLD_DAYS)
        bx_log(BX_LOG_WARN, "app",
               "built-in WhatsApp Web version is old; update WaBox or set WABOX_WHATSAPP_VERSION",
               "version=%s days=%lld", WA_BUILT_IN_VERSION, (long long)days);
}
