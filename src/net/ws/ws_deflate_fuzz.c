/* First byte chooses: any bytes as a negotiation, as a compressed message (never beyond the cap),
 * or as a message that must survive compression and inflation. */
#include "base/err.h"
#include "net/ws/ws_deflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CAP = 10000 };

static void negotiate(struct bx_str text, uint8_t choice)
{
    struct ws_deflate_config config = {choice & 4, choice & 8, (uint8_t)(9 + choice / 16 % 7)};
    struct ws_deflate_params p, back;
    char answer[WS_DEFLATE_ANSWER_SIZE];
    bool is_on;
    if (ws_deflate_accept(text, &config, &p, answer)) {
        BX_ASSERT(strlen(answer) < sizeof answer - 1);
        BX_ASSERT(p.server_window_bits >= 8 && p.server_window_bits <= 15);
        BX_ASSERT(p.client_window_bits >= 8 && p.client_window_bits <= 15);
        /* a client that allows everything reads the answer as the server meant it */
        struct ws_deflate_config open = {true, true, 15};
        BX_ASSERT(ws_deflate_answer_check(bx_str(answer), &open, &back, &is_on) == BX_OK && is_on);
        BX_ASSERT(back.server_window_bits == p.server_window_bits &&
                  back.client_window_bits == p.client_window_bits &&
                  back.is_server_takeover == p.is_server_takeover &&
                  back.is_client_takeover == p.is_client_takeover);
    }
    ws_deflate_answer_check(text, &config, &p, &is_on);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    uint8_t choice = data[0];
    struct bx_str text = bx_str_n(data + 1, size - 1), packed;
    struct ws_deflate_params p = {choice & 4, choice & 4, (uint8_t)(9 + choice / 16 % 7), 15};
    if (choice % 4 == 0) {
        negotiate(text, choice);
        return 0;
    }
    struct ws_deflate *server = ws_deflate_new(&p, false, 1 + choice / 8 % 9);
    struct ws_deflate *client = ws_deflate_new(&p, true, 1);
    struct bx_buf out;
    bx_buf_init(&out, 0);
    for (int i = 0; i < 2; i++) {
        if (choice % 4 == 1) {
            int rc = ws_deflate_inflate(server, text, CAP, &out);
            BX_ASSERT(out.cap <= CAP + 1 && (rc < 0 || out.len <= CAP));
            if (rc < 0)
                break;
        } else if (ws_deflate_compress(server, bx_str_slice(text, 0, text.len / 3),
                                       bx_str_slice(text, text.len / 3, text.len),
                                       &packed) == BX_OK) {
            BX_ASSERT(ws_deflate_inflate(client, packed, CAP, &out) == BX_OK);
            BX_ASSERT(bx_str_eq(bx_buf_view(&out), text));
        }
    }
    bx_buf_done(&out);
    ws_deflate_free(server);
    ws_deflate_free(client);
    return 0;
}
