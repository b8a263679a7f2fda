/* Anything typed: what is taken for a number is digits, is taken again as it was given, and is
 * shown with the same digits. */
#include "phone/phone.h"

#include "base/err.h"
#include "base/mem.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void text_write(char out[64], const uint8_t *data, size_t size)
{
    static const char typed[] = "01234567890123456789+() -.";
    size_t n = size < 24 ? size : 24;
    for (size_t i = 0; i < n; i++)
        out[i] = typed[data[i] % (sizeof typed - 1)];
    out[n] = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int countries[] = {62, 1, 7, 39, 44, 49, 52, 54, 999};
    char typed[64], digits[PH_SIZE], again[PH_SIZE], shown[PH_SIZE];
    struct bx_str text = bx_str_n(data, size);
    int country = countries[size ? data[0] % BX_LEN(countries) : 0];
    if (size && data[0] & 1) {
        text_write(typed, data, size);
        text = bx_str(typed);
    }
    ph_format(text, shown);
    if (ph_parse(text, country, digits) < 0)
        return 0;
    BX_ASSERT(strlen(digits) >= 6 && strlen(digits) <= 15 && digits[0] != '0');
    ph_format(bx_str(digits), shown);
    size_t n = 0;
    for (const char *c = shown; *c; c++)
        if (*c >= '0' && *c <= '9')
            BX_ASSERT(*c == digits[n++]);
    BX_ASSERT(digits[n] == '\0');
    if (ph_parse(bx_str(shown), country, again) == BX_OK) /* at most one more trunk zero goes */
        BX_ASSERT(strlen(again) <= strlen(digits));
    return 0;
}
