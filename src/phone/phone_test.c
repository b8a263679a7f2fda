#include "phone/phone.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/test.h"

#include <stdio.h>

TEST(numbers_are_understood_as_people_paste_them)
{
    static const struct {
        const char *text;
        int country;
        const char *digits; /* NULL: no number */
        const char *why;
    } rows[] = {
        {"0812-3456-789", 62, "628123456789", "as contract.md has it"},
        {"628123456789", 62, "628123456789", "digits"},
        {"+62 812-3456-789", 62, "628123456789", "international"},
        {"0062 812 3456 789", 62, "628123456789", "international with 00"},
        {"8123456789", 62, "628123456789", "without the trunk zero: no number elsewhere"},
        {"\u202a+62\u00a0812\u20113456\u2013789\u202c", 62, "628123456789",
         "marks, no-break, dashes"},
        {"\u200e+62 812\u2009345\u202f6789\ufeff", 62, "628123456789", "narrow spaces"},
        {"＋６２（８１２）３４５６７８９", 62, "628123456789", "full width"},
        {"+٦٢ ٨١٢ ٣٤٥٦ ٧٨٩", 62, "628123456789", "Arabic digits"},
        {"+62−812—3456‐789", 62, "628123456789", "minus, em dash, hyphen"},
        {"+62 (0)812 3456 789", 62, "628123456789", "(0) behind the code"},
        {"+62 (0) 812 3456 789", 62, "628123456789", "(0) and a space"},
        {"0062(0)8123456789", 62, "628123456789", "00 and (0)"},
        {"+62 0812 3456 789", 62, "628123456789", "the trunk zero without brackets"},
        {"+49 (0)30 901820", 62, "4930901820", "Berlin"},
        {"+44 (0)20 7946 0958", 62, "442079460958", "London"},
        {"+44 07911 123456", 62, "447911123456", "a British mobile with its zero"},
        {"+39 06 6982", 62, "39066982", "in Italy the zero is part of the number"},
        {"+39 (0)6 69812345", 62, "390669812345", "also in brackets"},
        {"+1 (0)212 555 0123", 62, "12125550123", "no trunk zero there at all"},
        {"tel:+62-812-3456-789", 62, "628123456789", "a link"},
        {"(030) 901820", 49, "4930901820", "DEFAULT_COUNTRY_CODE of Germany"},
        {"06 69812345", 39, "390669812345", "of Italy: the zero stays"},
        {"8 (912) 345-67-89", 7, "79123456789", "of Russia: the trunk prefix is 8"},
        {"212.555.0123", 1, "12125550123", "of the USA"},
        {"5215512345678", 62, "5215512345678", "Mexico's 1 stays as it is written"},
        {"+54 9 11 2345-6789", 62, "5491123456789", "Argentina's 9"},
        {"+55 11 98765-4321", 62, "5511987654321", "Brazil"},
        {"+91 98765 43210", 62, "919876543210", "India"},
        {"+353 85 123 4567", 62, "353851234567", "Ireland"},
        {"+999 123456789", 62, NULL, "no country"},
        {"+1 212", 62, NULL, "too short"},
        {"+1 212 555 01234567", 62, NULL, "too long for its country"},
        {"+49", 62, NULL, "a code only"},
        {"abc", 62, NULL, "letters"},
        {"+62 812 3456 789 ext 5", 62, NULL, "letters behind"},
        {"", 62, NULL, "nothing"},
        {"\u200b", 62, NULL, "nothing to be seen"},
        {"+62+8123456789", 62, NULL, "two plus signs"},
    };
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        char out[PH_SIZE] = "";
        int rc = ph_parse(bx_str(rows[i].text), rows[i].country, out);
        if ((rc == BX_OK) != (rows[i].digits != NULL) ||
            (rc == BX_OK && strcmp(out, rows[i].digits) != 0))
            fail_msg("%s: %s gave %s %s", rows[i].why, rows[i].text, bx_err_name(rc), out);
    }
}

TEST(numbers_are_shown_as_their_country_writes_them)
{
    static const struct {
        const char *digits, *text;
    } rows[] = {
        {"628123456789", "+62 812-3456-789"},
        {"6281234567890", "+62 812-3456-7890"},
        {"62812345678901", "+62 812-3456-78901"},
        {"62215550123", "+62 21 5550123"},
        {"12125550123", "+1 212-555-0123"},
        {"442079460958", "+44 20 7946 0958"},
        {"4930901820", "+49 30 901820"},
        {"33612345678", "+33 6 12 34 56 78"},
        {"390669812345", "+39 06 6981 2345"},
        {"919876543210", "+91 98765 43210"},
        {"5511987654321", "+55 11 98765-4321"},
        {"5215512345678", "+52 155-1234-5678"},
        {"79123456789", "+7 912 345-67-89"},
        {"81312345678", "+81 3-1234-5678"},
        {"999123456", "+99 912-3456"},
        {"1", "+1 "},
        {"", ""},
    };
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < BX_LEN(rows); i++) {
            char out[PH_SIZE];
            ph_format(bx_str(rows[i].digits), out);
            assert_string_equal(out, rows[i].text);
        }
    }
}

TEST(a_part_of_a_number_is_digits)
{
    static const struct {
        const char *text, *digits;
    } rows[] = {{"0812", "62812"}, {"+62 812\u20113", "628123"},
                {"812", "812"},    {"+49 (0)30", "4930"},
                {"12", NULL},      {"a12345", NULL}};
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        char out[PH_SIZE];
        int rc = ph_part(bx_str(rows[i].text), 62, out);
        assert_true((rc == BX_OK) == (rows[i].digits != NULL));
        if (rc == BX_OK)
            assert_string_equal(out, rows[i].digits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_understood_as_people_paste_them),
        cmocka_unit_test(numbers_are_shown_as_their_country_writes_them),
        cmocka_unit_test(a_part_of_a_number_is_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
