/* Files in messages. libwa moves no file bytes: it says where they are and how they are encrypted; its
 * user downloads, decrypts (wa/media_stream.h), encrypts, uploads, and then has the message built.
 *
 * Receiving: wa_file_of reads the reference out of wa_message.raw; wa_client_media_conn gives the hosts;
 * GET wa_file_url of each host in order until one has it (401 and 403: once more with a fresh
 * media_conn; 404 and 410: it is gone, ask the phone with wa_client_media_retry).
 * Sending: encrypt into a file of your own, POST it to wa_upload_url of each host in order, read
 * "direct_path" and "url" of the JSON answer (wa_upload_answer), build with wa_build_file and send the
 * result as WA_SEND_RAW. The same ciphertext gives the same address, so an upload may be repeated.
 */
#ifndef WA_MEDIA_H
#define WA_MEDIA_H

#include "base/arena.h"
#include "wa/event.h"
#include "wa/media_stream.h"
#include "wa/outgoing.h"

enum wa_file_kind {
    WA_FILE_IMAGE,
    WA_FILE_VIDEO,
    WA_FILE_GIF, /* a video that plays in a loop, without sound */
    WA_FILE_PTV, /* a round video note */
    WA_FILE_AUDIO,
    WA_FILE_VOICE, /* a voice note: Ogg Opus */
    WA_FILE_DOCUMENT,
    WA_FILE_STICKER,
    WA_FILE_LINK_THUMBNAIL,
    WA_FILE_KINDS
};

/* "image", "voice" ...; the kind of a name, BX_E_NOT_FOUND. */
const char *wa_file_kind_name(enum wa_file_kind kind);
int wa_file_kind_parse(struct bx_str name, enum wa_file_kind *out);
/* Whose keys encrypt it. */
enum wa_media_kind wa_file_media_kind(enum wa_file_kind kind);

/* A file as a message refers to it. An absent text has ptr NULL. */
struct wa_file {
    enum wa_file_kind kind;
    struct bx_str direct_path, url;
    uint8_t media_key[32], sha256[32], enc_sha256[32];
    bool has_media_key, has_sha256, has_enc_sha256; /* without a key it cannot be opened */
    uint64_t size;                                  /* of the plain file; 0 may mean "not said" */
    int64_t key_at_ms;                              /* when the media key was made */
    struct bx_str mimetype, file_name, caption;
    uint32_t width, height, seconds, pages; /* 0: not said */
    struct bx_str thumbnail;                /* JPEG (PNG for stickers), a few KB */
    struct bx_str waveform;                 /* voice: 64 bytes of 0..100 */
    struct bx_str sidecar;                  /* video and audio, see media_stream.h */
    bool is_animated;                       /* stickers */
    bool is_view_once;
};

/* The file of an unwrapped Message protobuf (wa_message.raw). Texts lie in the arena.
 * BX_E_NOT_FOUND: it has none; BX_E_INVALID: no such protobuf. */
int wa_file_of(struct bx_str raw, struct bx_arena *arena, struct wa_file *out);

/* The Message protobuf of a file, in the arena; context (quote, mentions, timer) as in `out`, whose kind
 * and text are not read. A document with a caption and a view-once file are wrapped as phones expect. */
struct bx_str wa_build_file(const struct wa_file *file, const struct wa_outgoing *out,
                            struct bx_arena *arena);

struct wa_place {
    double latitude, longitude;
    struct bx_str name, address; /* may be absent */
};
struct bx_str wa_build_location(const struct wa_place *place, const struct wa_outgoing *out,
                                struct bx_arena *arena);

struct wa_vcard {
    struct bx_str name, text; /* vCard 3.0 */
};
/* One card, or several in one message. */
struct bx_str wa_build_contacts(const struct wa_vcard *cards, size_t count,
                                const struct wa_outgoing *out, struct bx_arena *arena);
/* A vCard of a name and a phone number (digits), with the waid that makes it tappable. */
struct bx_str wa_vcard_make(struct bx_str name, struct bx_str digits, struct bx_arena *arena);

/* secret: fresh random bytes; votes are sealed with it. */
struct bx_str wa_build_poll(const struct wa_poll *poll, const uint8_t secret[32],
                            const struct wa_outgoing *out, struct bx_arena *arena);

/* A message once more, for another chat: the same content without quote, marked as forwarded.
 * BX_E_INVALID: no such protobuf. */
int wa_build_forward(struct bx_str raw, const struct wa_outgoing *out, struct bx_arena *arena,
                     struct bx_str *out_raw);

/* --- where files are --- */

/* Borrowed for the callback. */
struct wa_media_conn {
    struct bx_str auth;
    const struct bx_str *hosts; /* "https://host", in the order to try them */
    size_t host_count;
};

struct wa_client;
/* The hosts of this number: from memory while they are valid, else asked of the server; `is_fresh` asks
 * in any case. Exactly one answer, possibly before this returns. BX_E_STATE: not CONNECTED. */
int wa_client_media_conn(struct wa_client *c, bool is_fresh,
                         void (*on_conn)(int rc, const struct wa_media_conn *conn, void *arg),
                         void *arg);

/* Addresses in the arena. */
struct bx_str wa_upload_url(struct bx_str host, struct bx_str auth, enum wa_file_kind kind,
                            const uint8_t enc_sha256[32], struct bx_arena *arena);
/* BX_E_INVALID: the direct path is no path. */
int wa_file_url(struct bx_str host, const struct wa_file *file, struct bx_arena *arena,
                struct bx_str *out);
/* Reads the answer of an upload. BX_E_INVALID: no address in it. Texts lie in the arena. */
int wa_upload_answer(struct bx_str json, struct bx_arena *arena, struct bx_str *out_direct_path,
                     struct bx_str *out_url);

/* --- files that are gone from the hosts --- */

struct wa_media_retry {
    struct bx_str chat, id;
    struct bx_str sender; /* its author; needed in groups */
    bool is_from_me;
    uint8_t media_key[32];
};
/* Asks the phone to upload the file of a message again: WA_EVENT_MEDIA_RETRY, within seconds or when
 * the phone is back, days later. BX_E_STATE. */
int wa_client_media_retry(struct wa_client *c, const struct wa_media_retry *retry);
/* Opens what WA_EVENT_MEDIA_RETRY carries. BX_E_NOT_FOUND: the phone does not have the file;
 * BX_E_CRYPTO: not of this message. */
int wa_media_retry_open(const uint8_t media_key[32], struct bx_str id, struct bx_str iv,
                        struct bx_str sealed, struct bx_arena *arena,
                        struct bx_str *out_direct_path);

#endif
