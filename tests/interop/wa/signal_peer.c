/* Our Signal layer at the end of a pipe, for signal.test.mjs: a command a line on stdin, an answer
 * a line on stdout. Words are separated by spaces, bytes are hex; a failure answers "!" and the
 * name of the error, with the reason for a retry behind it where there is one.
 *
 *   person WHO JID              a fresh identity and an empty store under that name; its public key
 *   bundle WHO PREKEY|0         registration, identity, signed prekey as id, key, signature, then
 *                               prekey as id, key
 *   start WHO JID BUNDLE...     a session from those seven words
 *   forget WHO JID              drops the session
 *   encrypt WHO JID BYTES       "pkmsg|msg BYTES"
 *   decrypt WHO JID TYPE BYTES  BYTES
 *   distribute WHO GROUP        our sender key at its present point
 *   rotate WHO GROUP
 *   process WHO GROUP JID BYTES
 *   seal WHO GROUP BYTES
 *   open WHO GROUP JID BYTES
 */
#include "base/err.h"
#include "base/mem.h"
#include "wa/keystore_memory.h"
#include "wa/signal/signal.h"

#include <stdio.h>
#include <stdlib.h>

enum { PEOPLE = 8, WORDS = 10 };

struct person {
    char name[16];
    struct bx_str jid_text;
    struct wa_jid jid;
    struct wa_keystore_memory *store;
    struct wa_signal *signal;
    struct wa_signal_self self;
    uint32_t signed_id;
};

/* One command: its words, the person it is about, memory until the answer is written. */
struct call {
    struct person *who;
    struct bx_str word[WORDS];
    struct bx_arena *arena;
    enum wa_retry_reason reason;
};

static struct person people[PEOPLE];

static struct person *person_of(struct bx_str name)
{
    for (size_t i = 0; i < PEOPLE; i++) {
        if (!people[i].name[0])
            BX_ASSERT(bx_str_copy(name, people[i].name, sizeof people[i].name) == BX_OK);
        if (bx_str_eq(bx_str(people[i].name), name))
            return &people[i];
    }
    return NULL;
}

static void person_done(struct person *p)
{
    wa_signal_free(p->signal);
    if (p->store)
        wa_keystore_memory_free(p->store);
    free((char *)(uintptr_t)p->jid_text.ptr);
    *p = (struct person){0};
}

static struct bx_str bytes_of(struct call *c, struct bx_str hex)
{
    uint8_t *bytes = bx_arena_alloc(c->arena, hex.len / 2 + 1);
    BX_ASSERT(bx_hex_decode(hex, bytes, hex.len / 2) == BX_OK);
    return bx_str_n(bytes, hex.len / 2);
}

static void put(struct call *c, const void *bytes, size_t len)
{
    char *hex = bx_arena_alloc(c->arena, 2 * len + 1);
    bx_hex_encode(bytes, len, hex);
    fputs(hex, stdout);
}

static uint32_t number_of(struct bx_str word)
{
    uint64_t n = 0;
    BX_ASSERT(bx_str_u64(word, UINT32_MAX, &n) == BX_OK);
    return (uint32_t)n;
}

static struct wa_jid jid_of(struct bx_str word)
{
    struct wa_jid jid;
    BX_ASSERT(wa_jid_parse(word, &jid) == BX_OK);
    return jid;
}

static int on_person(struct call *c)
{
    struct person *p = c->who;
    person_done(p);
    BX_ASSERT(bx_str_copy(c->word[1], p->name, sizeof p->name) == BX_OK);
    p->jid_text = bx_str_n(bx_strndup(c->word[2].ptr, c->word[2].len), c->word[2].len);
    p->jid = jid_of(p->jid_text);
    p->store = wa_keystore_memory_new();
    wa_signal_self_generate(&p->self);
    p->signal = wa_signal_new(wa_keystore_memory(p->store), &p->self);
    put(c, p->self.identity.pub, sizeof p->self.identity.pub);
    return BX_OK;
}

static int on_bundle(struct call *c)
{
    struct wa_prekey signed_prekey, prekey = {.id = number_of(c->word[2])};
    int rc = c->who->signed_id
                 ? wa_signed_prekey_get(c->who->signal, c->who->signed_id, &signed_prekey)
                 : wa_signed_prekey_generate(c->who->signal, 1, 1700000000000, &signed_prekey);
    if (rc >= 0 && prekey.id)
        rc = wa_prekeys_generate(c->who->signal, prekey.id, 1, &prekey);
    if (rc < 0)
        return rc;
    c->who->signed_id = signed_prekey.id;
    printf("%u ", c->who->self.registration_id);
    put(c, c->who->self.identity.pub, CR_CURVE_KEY_SIZE);
    printf(" %u ", signed_prekey.id);
    put(c, signed_prekey.pub, sizeof signed_prekey.pub);
    putchar(' ');
    put(c, signed_prekey.signature, sizeof signed_prekey.signature);
    printf(" %u ", prekey.id);
    put(c, prekey.pub, sizeof prekey.pub);
    return BX_OK;
}

static void key_of(struct call *c, struct bx_str hex, void *out, size_t size)
{
    struct bx_str bytes = bytes_of(c, hex);
    BX_ASSERT(bytes.len == size);
    memcpy(out, bytes.ptr, size);
}

static int on_start(struct call *c)
{
    struct wa_jid jid = jid_of(c->word[2]);
    struct wa_bundle b = {.registration_id = number_of(c->word[3])};
    key_of(c, c->word[4], b.identity, sizeof b.identity);
    b.signed_prekey.id = number_of(c->word[5]);
    key_of(c, c->word[6], b.signed_prekey.pub, sizeof b.signed_prekey.pub);
    key_of(c, c->word[7], b.signed_prekey.signature, sizeof b.signed_prekey.signature);
    b.prekey.id = number_of(c->word[8]);
    key_of(c, c->word[9], b.prekey.pub, sizeof b.prekey.pub);
    return wa_session_start(c->who->signal, &jid, &b, NULL);
}

static int on_forget(struct call *c)
{
    struct wa_jid jid = jid_of(c->word[2]);
    return wa_session_delete(c->who->signal, &jid);
}

static int on_encrypt(struct call *c)
{
    struct wa_jid jid = jid_of(c->word[2]);
    struct wa_cipher cipher;
    int rc = wa_session_encrypt(c->who->signal, &jid, bytes_of(c, c->word[3]), c->arena, &cipher);
    if (rc < 0)
        return rc;
    fputs(cipher.is_prekey ? "pkmsg " : "msg ", stdout);
    put(c, cipher.bytes.ptr, cipher.bytes.len);
    return BX_OK;
}

/* Writes the bytes of a call that ended well. */
static int answer(struct call *c, int rc, struct bx_str bytes)
{
    if (rc >= 0)
        put(c, bytes.ptr, bytes.len);
    return rc;
}

static int on_decrypt(struct call *c)
{
    struct wa_jid jid = jid_of(c->word[2]);
    struct bx_str plain = {0};
    int rc = wa_session_decrypt(c->who->signal, &jid, bx_str_is(c->word[3], "pkmsg"),
                                bytes_of(c, c->word[4]), c->arena, &plain, &c->reason);
    return answer(c, rc, plain);
}

static int on_distribute(struct call *c)
{
    struct bx_str out = {0};
    int rc = wa_group_distribute(c->who->signal, c->word[2], &c->who->jid, c->arena, &out);
    return answer(c, rc, out);
}

static int on_rotate(struct call *c)
{
    return wa_group_rotate(c->who->signal, c->word[2], &c->who->jid);
}

static int on_process(struct call *c)
{
    struct wa_jid jid = jid_of(c->word[3]);
    return wa_group_process(c->who->signal, c->word[2], &jid, bytes_of(c, c->word[4]));
}

static int on_seal(struct call *c)
{
    struct bx_str out = {0};
    int rc = wa_group_encrypt(c->who->signal, c->word[2], &c->who->jid, bytes_of(c, c->word[3]),
                              c->arena, &out);
    return answer(c, rc, out);
}

static int on_open(struct call *c)
{
    struct wa_jid jid = jid_of(c->word[3]);
    struct bx_str plain = {0};
    int rc = wa_group_decrypt(c->who->signal, c->word[2], &jid, bytes_of(c, c->word[4]), c->arena,
                              &plain, &c->reason);
    return answer(c, rc, plain);
}

static const struct {
    const char *name;
    int (*run)(struct call *c);
} commands[] = {
    {"person", on_person},   {"bundle", on_bundle},
    {"start", on_start},     {"forget", on_forget},
    {"encrypt", on_encrypt}, {"decrypt", on_decrypt},
    {"rotate", on_rotate},   {"distribute", on_distribute},
    {"process", on_process}, {"seal", on_seal},
    {"open", on_open},
};

static int run(struct call *c)
{
    for (size_t i = 0; i < BX_LEN(commands); i++) {
        if (bx_str_eq(c->word[0], bx_str(commands[i].name)))
            return commands[i].run(c);
    }
    return BX_E_UNSUPPORTED;
}

static void obey(struct bx_str line)
{
    struct bx_arena arena;
    struct call c = {.arena = &arena};
    bx_arena_init(&arena, 0);
    for (size_t i = 0; i < WORDS && bx_str_split(&line, ' ', &c.word[i]); i++)
        ;
    c.who = person_of(c.word[1]);
    BX_ASSERT(c.who);
    int rc = run(&c);
    if (rc < 0)
        printf("!%s %d", bx_err_name(rc), (int)c.reason);
    putchar('\n');
    bx_arena_done(&arena);
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    setvbuf(stdout, NULL, _IOLBF, 0); /* the other side waits for each answer */
    while ((len = getline(&line, &room, stdin)) > 1)
        obey(bx_str_n(line, (size_t)len - 1));
    free(line);
    for (size_t i = 0; i < PEOPLE; i++)
        person_done(&people[i]);
    return 0;
}
