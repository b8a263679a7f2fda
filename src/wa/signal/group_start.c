/* Where our knowledge of a sender's chain begins. Who got a sender key late has no keys of the
 * messages before; without this they would look like messages that were read. One small row beside
 * the record: "key id, iteration" of the chains that do not begin at 0, the newest first.
 */
#include "base/err.h"
#include "wa/signal/glue.h"

enum { STARTS_MAX = 8, ENTRY_SIZE = 8 }; /* the library keeps 5 chains of a sender */

struct starts {
    size_t count;
    struct {
        uint32_t id, iteration;
    } list[STARTS_MAX];
};

static uint32_t read_u32(const char *at)
{
    const uint8_t *b = (const uint8_t *)at;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void write_u32(char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(value >> (24 - 8 * i));
}

static struct bx_str row_name(struct bx_str record_key, struct bx_arena *arena)
{
    return bx_arena_printf(arena, BX_STR_FMT "::starts", BX_STR_ARG(record_key));
}

static int load(struct wa_signal *s, struct bx_str record_key, struct bx_arena *arena,
                struct starts *out)
{
    struct bx_str value;
    *out = (struct starts){0};
    int rc = s->keystore->ops->get(s->keystore->ctx, WA_KEY_SENDER_KEY, row_name(record_key, arena),
                                   arena, &value);
    if (rc < 0)
        return rc == BX_E_NOT_FOUND ? BX_OK : rc;
    for (; out->count < STARTS_MAX && (out->count + 1) * ENTRY_SIZE <= value.len; out->count++) {
        const char *at = value.ptr + out->count * ENTRY_SIZE;
        out->list[out->count].id = read_u32(at);
        out->list[out->count].iteration = read_u32(at + 4);
    }
    return BX_OK;
}

int wa_sender_start_get(struct wa_signal *s, struct bx_str record_key, uint32_t id,
                        struct bx_arena *arena, uint32_t *out_iteration)
{
    struct starts starts;
    int rc = load(s, record_key, arena, &starts);
    *out_iteration = 0;
    for (size_t i = 0; i < starts.count; i++) {
        if (starts.list[i].id == id)
            *out_iteration = starts.list[i].iteration;
    }
    return rc;
}

int wa_sender_start_put(struct wa_signal *s, struct bx_str record_key, uint32_t id,
                        uint32_t iteration, struct bx_arena *arena)
{
    struct starts had;
    char bytes[STARTS_MAX * ENTRY_SIZE];
    size_t len = 0;
    int rc = load(s, record_key, arena, &had);
    if (rc < 0 || (iteration == 0 && had.count == 0))
        return rc;
    if (iteration) {
        write_u32(bytes, id);
        write_u32(bytes + 4, iteration);
        len = ENTRY_SIZE;
    }
    for (size_t i = 0; i < had.count && len < sizeof bytes; i++) {
        if (had.list[i].id == id)
            continue;
        write_u32(bytes + len, had.list[i].id);
        write_u32(bytes + len + 4, had.list[i].iteration);
        len += ENTRY_SIZE;
    }
    return s->keystore->ops->put(s->keystore->ctx, WA_KEY_SENDER_KEY, row_name(record_key, arena),
                                 bx_str_n(bytes, len));
}
