/* Reads "dict hex" lines, answers the same node decoded and encoded again, in hex (or the error).
 */
#include "base/err.h"
#include "wa/wire/codec.h"

#include <stdio.h>
#include <stdlib.h>

static void answer(enum wa_dict dict, struct bx_str payload)
{
    struct bx_arena arena;
    struct bx_buf out;
    struct wa_node *n;
    bx_arena_init(&arena, 0);
    bx_buf_init(&out, 0);
    int rc = wa_decode(dict, payload, &arena, &n);
    if (rc >= 0)
        rc = wa_encode(dict, n, &out);
    char *hex = malloc(2 * out.len + 1);
    if (rc >= 0 && hex)
        bx_hex_encode(out.data, out.len, hex);
    puts(rc < 0 ? bx_err_name(rc) : hex);
    free(hex);
    bx_buf_done(&out);
    bx_arena_done(&arena);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* the other side waits for each answer */
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    while ((len = getline(&line, &room, stdin)) > 3) {
        struct bx_str hex = bx_str_n(line + 2, (size_t)len - 3);
        uint8_t *bytes = malloc(hex.len / 2 + 1);
        if (!bytes || bx_hex_decode(hex, bytes, hex.len / 2) < 0)
            return 1;
        answer(line[0] == '2' ? WA_DICT_2 : WA_DICT_3, bx_str_n(bytes, hex.len / 2));
        free(bytes);
    }
    free(line);
    return 0;
}
