/* Both readers on any bytes; what a reader accepts must survive being written and read again. */
#include "base/mem.h"
#include "media/proto.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bx_str message = bx_str_n(data, size);
    struct md_request request;
    struct md_result result, again;
    size_t total;
    struct bx_buf b;
    md_message_size(message, MD_RESULT_MAX, &total);
    md_sniff(data, size);
    md_request_read(message, &request);
    if (md_result_read(message, &result) < 0)
        return 0;
    bx_buf_init(&b, MD_RESULT_MAX);
    BX_ASSERT(md_result_write(&b, &result) >= 0);
    BX_ASSERT(md_result_read(bx_buf_view(&b), &again) >= 0);
    BX_ASSERT(again.rc == result.rc && bx_str_eq(again.thumb, result.thumb) &&
              again.out_bytes == result.out_bytes);
    bx_buf_done(&b);
    return 0;
}
