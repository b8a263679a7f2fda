#include "phone/library.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include <phonenumbers/phonenumber.pb.h>
#include <phonenumbers/phonenumberutil.h>

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

namespace {

// Without parsing: the digits are known to be the calling code and the rest. Zeros at the beginning
// belong to the number (Italy).
bool number_make(int country_code, const char *national, size_t len, PhoneNumber *out)
{
    size_t zeros = 0;
    if (len == 0 || len > 17)
        return false;
    while (zeros + 1 < len && national[zeros] == '0')
        zeros++;
    out->set_country_code(country_code);
    out->set_national_number(std::strtoull(std::string(national, len).c_str(), nullptr, 10));
    if (zeros > 0) {
        out->set_italian_leading_zero(true);
        out->set_number_of_leading_zeros(static_cast<int32_t>(zeros));
    }
    return true;
}

size_t copy(const std::string &text, char *out, size_t size)
{
    if (text.size() >= size)
        return 0;
    std::memcpy(out, text.c_str(), text.size() + 1);
    return text.size();
}

std::string region_of(int country_code)
{
    std::string region;
    PhoneNumberUtil::GetInstance()->GetRegionCodeForCountryCode(country_code, &region);
    return region;
}

} // namespace

bool ph_library_has_code(int country_code)
try {
    return region_of(country_code) != "ZZ";
} catch (...) {
    return false;
}

bool ph_library_is_possible(int country_code, const char *national, size_t len)
try {
    PhoneNumber number;
    return number_make(country_code, national, len, &number) &&
           PhoneNumberUtil::GetInstance()->IsPossibleNumberWithReason(number) ==
               PhoneNumberUtil::IS_POSSIBLE;
} catch (...) {
    return false;
}

bool ph_library_is_valid(int country_code, const char *national, size_t len)
try {
    PhoneNumber number;
    return number_make(country_code, national, len, &number) &&
           PhoneNumberUtil::GetInstance()->IsValidNumber(number);
} catch (...) {
    return false;
}

size_t ph_library_from_national(int country_code, const char *text, size_t len, char *out,
                                size_t size)
try {
    PhoneNumber number;
    std::string e164;
    const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
    if (util->Parse(std::string(text, len), region_of(country_code), &number) !=
            PhoneNumberUtil::NO_PARSING_ERROR ||
        number.country_code() != country_code)
        return 0;
    util->Format(number, PhoneNumberUtil::E164, &e164);
    return e164.empty() ? 0 : copy(e164.substr(1), out, size);
} catch (...) {
    return 0;
}

size_t ph_library_format(int country_code, const char *national, size_t len, char *out, size_t size)
try {
    PhoneNumber number;
    std::string text;
    if (!number_make(country_code, national, len, &number))
        return 0;
    PhoneNumberUtil::GetInstance()->Format(number, PhoneNumberUtil::INTERNATIONAL, &text);
    return copy(text, out, size);
} catch (...) {
    return 0;
}
