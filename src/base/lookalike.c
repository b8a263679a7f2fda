#include "base/lookalike.h"

#include "base/fold.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <pthread.h>
#include <stdlib.h>

#include <unicode/uchar.h>
#include <unicode/uspoof.h>

enum { LOOK_MAX = 1024 };

static USpoofChecker *checker; /* for as long as the process; read only once it is made */

static void checker_open(void)
{
    UErrorCode error = U_ZERO_ERROR;
    checker = uspoof_open(&error);
    uspoof_setRestrictionLevel(checker, USPOOF_MODERATELY_RESTRICTIVE);
    uspoof_setChecks(checker, USPOOF_RESTRICTION_LEVEL | USPOOF_INVISIBLE | USPOOF_MIXED_NUMBERS,
                     &error);
    BX_ASSERT(U_SUCCESS(error));
}

static const USpoofChecker *checker_get(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, checker_open);
    return checker;
}

static bool has_invisible(struct bx_str name)
{
    for (size_t i = 0; i < name.len;) {
        uint32_t c;
        i += bx_utf8_next(bx_str_slice(name, i, name.len), &c);
        int type = u_charType((UChar32)c);
        if (type == U_CONTROL_CHAR || type == U_FORMAT_CHAR || type == U_UNASSIGNED ||
            type == U_PRIVATE_USE_CHAR || c == 0xfffd || c == 0x2800 ||
            u_hasBinaryProperty((UChar32)c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT))
            return true;
    }
    return false;
}

enum bx_name_fault bx_name_check(struct bx_str name)
{
    UErrorCode error = U_ZERO_ERROR;
    if (has_invisible(name))
        return BX_NAME_INVISIBLE;
    int32_t faults = uspoof_check2UTF8(checker_get(), name.ptr, (int32_t)name.len, NULL, &error);
    if (U_FAILURE(error))
        return BX_NAME_MIXED;
    return faults & USPOOF_INVISIBLE ? BX_NAME_INVISIBLE : faults ? BX_NAME_MIXED : BX_NAME_FINE;
}

struct bx_str bx_name_look(struct bx_str name, struct bx_arena *arena)
{
    UErrorCode error = U_ZERO_ERROR;
    char look[LOOK_MAX];
    struct bx_str folded = bx_fold_str(name, arena);
    int32_t len = uspoof_getSkeletonUTF8(checker_get(), 0, folded.ptr, (int32_t)folded.len, look,
                                         sizeof look, &error);
    return U_SUCCESS(error) && len < LOOK_MAX ? bx_arena_str(arena, bx_str_n(look, (size_t)len))
                                              : folded;
}
