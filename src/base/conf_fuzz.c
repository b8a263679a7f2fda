#include "base/conf.h"
#include "base/err.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct target {
    int64_t number, bytes, ms;
    bool flag;
    const char *text, *choice;
};

static const struct bx_conf_row rows[] = {
    {"N", BX_CONF_INT, offsetof(struct target, number), "1", 0, 100, NULL, "", false},
    {"B", BX_CONF_BYTES, offsetof(struct target, bytes), "1k", 0, 1 << 30, NULL, "", false},
    {"M", BX_CONF_MS, offsetof(struct target, ms), "1s", 0, 86400000, NULL, "", false},
    {"F", BX_CONF_BOOL, offsetof(struct target, flag), "0", 0, 0, NULL, "", false},
    {"T", BX_CONF_STR, offsetof(struct target, text), "", 0, 0, NULL, "", true},
    {"C", BX_CONF_ENUM, offsetof(struct target, choice), "a", 0, 0, "a|bb", "", false},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct target t = {0};
    struct bx_conf conf;
    struct bx_buf message;
    if (size == 0)
        return 0;
    bx_conf_init(&conf, rows, BX_LEN(rows), &t);
    bx_buf_init(&message, 1 << 20);
    struct bx_str name = bx_str(rows[data[0] % BX_LEN(rows)].name);
    int rc = bx_conf_set(&conf, name, bx_str_n(data + 1, size - 1), &message);
    BX_ASSERT(rc == BX_OK || (rc == BX_E_INVALID && message.len > 0));
    BX_ASSERT(t.number >= 0 && t.number <= 100 && t.bytes >= 0 && t.ms >= 0 && t.ms <= 86400000);
    bx_buf_done(&message);
    bx_conf_done(&conf);
    return 0;
}
