#include "app/inbox/inbox_details.h"

#include "crypto/hash.h"

#include <jansson.h>

void wb_option_id(const uint8_t hash[32], char out[WB_OPTION_ID_SIZE])
{
    bx_hex_encode(hash, (WB_OPTION_ID_SIZE - 1) / 2, out);
}

static void key_str(struct bx_json_writer *w, const char *key, struct bx_str s)
{
    if (s.ptr)
        bx_json_key_str(w, key, s);
    else
        bx_json_key_null(w, key);
}

static void key_double(struct bx_json_writer *w, const char *key, double v)
{
    bx_json_key(w, key);
    bx_json_double(w, v);
}

static void key_time(struct bx_json_writer *w, const char *key, int64_t at)
{
    if (at)
        bx_json_key_time(w, key, at);
    else
        bx_json_key_null(w, key);
}

static void location_write(struct bx_json_writer *w, const struct wa_location *l)
{
    bx_json_key(w, "location");
    bx_json_object(w);
    key_double(w, "latitude", l->latitude);
    key_double(w, "longitude", l->longitude);
    key_str(w, "name", l->name);
    key_str(w, "address", l->address);
    bx_json_key_bool(w, "isLive", l->is_live);
    bx_json_end(w);
}

static void cards_write(struct bx_json_writer *w, const struct wa_card *cards, size_t count)
{
    bx_json_key(w, "contacts");
    bx_json_array(w);
    for (size_t i = 0; i < count; i++) {
        bx_json_object(w);
        bx_json_key_str(w, "name", cards[i].name);
        bx_json_key(w, "phones");
        bx_json_array(w);
        for (size_t k = 0; k < cards[i].phone_count; k++) {
            bx_json_object(w);
            bx_json_key_str(w, "number", cards[i].phones[k].number);
            key_str(w, "waId", cards[i].phones[k].wa_id);
            bx_json_end(w);
        }
        bx_json_end(w);
        bx_json_end(w);
    }
    bx_json_end(w);
}

static void poll_write(struct bx_json_writer *w, const struct wa_poll *p)
{
    bx_json_key(w, "poll");
    bx_json_object(w);
    bx_json_key_str(w, "question", p->question);
    bx_json_key(w, "options");
    bx_json_array(w);
    for (size_t i = 0; i < p->option_count; i++) {
        uint8_t hash[CR_SHA256_SIZE];
        char id[WB_OPTION_ID_SIZE];
        cr_sha256(p->options[i], hash);
        wb_option_id(hash, id);
        bx_json_object(w);
        bx_json_key_cstr(w, "id", id);
        bx_json_key_str(w, "text", p->options[i]);
        bx_json_end(w);
    }
    bx_json_end(w);
    bx_json_key_i64(w, "selectable", p->selectable);
    bx_json_end(w);
}

static void buttons_write(struct bx_json_writer *w, const struct wa_button *b, size_t count)
{
    bx_json_key(w, "buttons");
    bx_json_array(w);
    for (size_t i = 0; i < count; i++) {
        bx_json_object(w);
        key_str(w, "id", b[i].id);
        bx_json_key_str(w, "text", b[i].text);
        key_str(w, "url", b[i].url);
        bx_json_end(w);
    }
    bx_json_end(w);
}

static void event_write(struct bx_json_writer *w, const struct wa_gathering *g)
{
    bx_json_key(w, "event");
    bx_json_object(w);
    bx_json_key_str(w, "name", g->name);
    key_str(w, "description", g->description);
    key_time(w, "startsAt", g->starts_at_ms);
    key_time(w, "endsAt", g->ends_at_ms);
    key_str(w, "location", g->place);
    bx_json_key_bool(w, "isCanceled", g->is_canceled);
    bx_json_end(w);
}

struct bx_str wb_details_json(struct wb_inbox_turn *t, const struct wa_details *d)
{
    struct bx_json_writer w;
    if (!d->location && !d->card_count && !d->poll && !d->button_count && !d->gathering)
        return (struct bx_str){0};
    t->turn.text.len = 0;
    bx_json_writer_init(&w, &t->turn.text);
    bx_json_object(&w);
    if (d->location)
        location_write(&w, d->location);
    if (d->card_count)
        cards_write(&w, d->cards, d->card_count);
    if (d->poll)
        poll_write(&w, d->poll);
    if (d->button_count)
        buttons_write(&w, d->buttons, d->button_count);
    if (d->gathering)
        event_write(&w, d->gathering);
    bx_json_end(&w);
    return bx_json_writer_rc(&w) < 0 ? (struct bx_str){0}
                                     : bx_arena_str(t->turn.arena, bx_buf_view(&t->turn.text));
}

static bool is_option(const json_t *options, struct bx_str id)
{
    for (size_t i = 0; i < json_array_size(options); i++) {
        const json_t *o = json_array_get(options, i);
        if (bx_str_eq(id, bx_str(json_string_value(json_object_get(o, "id")))))
            return true;
    }
    return false;
}

bool wb_details_allow_vote(struct bx_str details, struct bx_str choice)
{
    json_t *o = details.len ? json_loadb(details.ptr, details.len, 0, NULL) : NULL;
    const json_t *poll = json_object_get(o, "poll"), *options = json_object_get(poll, "options");
    int64_t selectable = json_integer_value(json_object_get(poll, "selectable")), chosen = 0;
    struct bx_str id;
    bool is_good = true;
    while (is_good && choice.len && bx_str_split(&choice, ' ', &id)) {
        is_good = is_option(options, id);
        chosen++;
    }
    json_decref(o);
    return is_good && (selectable <= 0 || chosen <= selectable);
}
