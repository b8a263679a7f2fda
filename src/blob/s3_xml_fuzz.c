#include "base/err.h"
#include "blob/s3_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bx_str rest = bx_str_n(data, size), entry, key;
    char text[80];
    while (bl_xml_next(&rest, BX_STR("Contents"), &entry)) {
        BX_ASSERT(entry.len <= size);
        if (bl_xml_next(&entry, BX_STR("Key"), &key))
            bl_xml_text(key, text, sizeof text);
    }
    if (bl_xml_text(bx_str_n(data, size), text, sizeof text) >= 0)
        BX_ASSERT(strlen(text) <= size);
    BX_ASSERT(bl_xml_time(bx_str_n(data, size)) >= 0);
    return 0;
}
