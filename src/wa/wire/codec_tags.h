/* First byte of a value. Inside this room only. */
#ifndef WA_CODEC_TAGS_H
#define WA_CODEC_TAGS_H

enum {
    TAG_LIST_EMPTY = 0,
    TAG_DICTIONARY_0 = 236,
    TAG_DICTIONARY_3 = 239,
    TAG_INTEROP_JID = 245,
    TAG_FB_JID = 246,
    TAG_AD_JID = 247,
    TAG_LIST_8 = 248,
    TAG_LIST_16 = 249,
    TAG_JID_PAIR = 250,
    TAG_HEX_8 = 251,
    TAG_BINARY_8 = 252,
    TAG_BINARY_20 = 253,
    TAG_BINARY_32 = 254,
    TAG_NIBBLE_8 = 255
};

/* Second byte of an AD JID. */
enum { DOMAIN_PN = 0, DOMAIN_LID = 1, DOMAIN_HOSTED = 128, DOMAIN_HOSTED_LID = 129 };

#endif
