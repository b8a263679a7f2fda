/* Places, people, polls, appointments: what they hold, as values; and a line to read. */
#include "wa/features/content.h"

#include "base/clock.h"

enum { MAX_CARDS = 256, MAX_PHONES = 32, MAX_OPTIONS = 64 };

static struct bx_str named(struct bx_arena *a, const char *sort, struct bx_str name)
{
    return name.len ? bx_arena_printf(a, "[%s: " BX_STR_FMT "]", sort, BX_STR_ARG(name))
                    : (struct bx_str){0};
}

static struct bx_str or_null(struct bx_str s)
{
    return s.len ? s : (struct bx_str){0};
}

/* --- places --- */

static void place(struct bx_arena *a, struct wa_message *out, struct wa_location l)
{
    struct wa_location *p = BX_ARENA_NEW(a, struct wa_location);
    *p = l;
    out->details.location = p;
}

Wap__ContextInfo *wa_fill_location(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__Location *m = part;
    struct bx_str name = wa_clean_text(a, m->name ? m->name : m->address);
    place(a, out,
          (struct wa_location){.latitude = m->latitude,
                               .longitude = m->longitude,
                               .name = or_null(wa_clean_text(a, m->name)),
                               .address = or_null(wa_clean_text(a, m->address)),
                               .is_live = m->is_live});
    out->label = name.len ? named(a, "Location", name)
                          : bx_arena_printf(a, "[Location: %.5f, %.5f]", m->latitude, m->longitude);
    return m->context_info;
}

Wap__ContextInfo *wa_fill_live(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__LiveLocation *m = part;
    place(
        a, out,
        (struct wa_location){.latitude = m->latitude, .longitude = m->longitude, .is_live = true});
    out->text = wa_clean_text(a, m->caption);
    return m->context_info;
}

/* --- people: vCard 3.0 (RFC 2426), of which the telephone lines are read --- */

/* "waid" of "TEL;type=CELL;waid=628…:+62 8…" */
static struct bx_str parameter(struct bx_str params, struct bx_str name)
{
    struct bx_str piece;
    while (bx_str_split(&params, ';', &piece)) {
        if (piece.len > name.len && bx_str_ieq(bx_str_slice(piece, 0, name.len), name) &&
            piece.ptr[name.len] == '=')
            return bx_str_slice(piece, name.len + 1, piece.len);
    }
    return (struct bx_str){0};
}

static bool is_tel(struct bx_str property)
{
    struct bx_str name = bx_str_slice(property, 0, bx_str_find(property, ';'));
    size_t dot = bx_str_find(name, '.'); /* "item1.TEL" */
    if (dot < name.len)
        name = bx_str_slice(name, dot + 1, name.len);
    return bx_str_ieq(name, BX_STR("TEL"));
}

static void vcard_read(struct bx_arena *a, const char *vcard, struct wa_card *card)
{
    struct bx_str text = wa_clean_text(a, vcard), line;
    struct wa_card_phone *phones = bx_arena_alloc(a, MAX_PHONES * sizeof *phones);
    card->phones = phones;
    while (card->phone_count < MAX_PHONES && bx_str_split(&text, '\n', &line)) {
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        line = bx_str_trim(line);
        size_t colon = bx_str_find(line, ':');
        struct bx_str property = bx_str_slice(line, 0, colon);
        struct bx_str value = colon < line.len
                                  ? bx_str_trim(bx_str_slice(line, colon + 1, line.len))
                                  : (struct bx_str){0};
        if (is_tel(property) && value.len)
            phones[card->phone_count++] =
                (struct wa_card_phone){value, or_null(parameter(property, BX_STR("waid")))};
        else if (!card->name.len && bx_str_ieq(property, BX_STR("FN")))
            card->name = value;
    }
}

static struct wa_card card_of(struct bx_arena *a, const Wap__Contact *m)
{
    struct wa_card card = {.name = wa_clean_text(a, m->display_name ? m->display_name : "")};
    if (m->vcard)
        vcard_read(a, m->vcard, &card);
    return card;
}

/* The label, and a line with the numbers of each, so that a search finds them. */
static struct bx_str cards_label(struct bx_arena *a, struct bx_str head,
                                 const struct wa_card *cards, size_t count, bool has_names)
{
    struct bx_buf text;
    bx_buf_init(&text, 0);
    bx_buf_str(&text, head);
    for (size_t i = 0; i < count; i++) {
        if (has_names)
            bx_buf_printf(&text, "\n" BX_STR_FMT, BX_STR_ARG(cards[i].name));
        for (size_t k = 0; k < cards[i].phone_count; k++)
            bx_buf_printf(&text, "%s" BX_STR_FMT, k || has_names ? " " : "\n",
                          BX_STR_ARG(cards[i].phones[k].number));
    }
    struct bx_str out = bx_arena_str(a, bx_buf_view(&text));
    bx_buf_done(&text);
    return out;
}

Wap__ContextInfo *wa_fill_contact(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__Contact *m = part;
    struct wa_card *card = BX_ARENA_NEW(a, struct wa_card);
    *card = card_of(a, m);
    out->details.cards = card;
    out->details.card_count = 1;
    struct bx_str head = named(a, "Contact", card->name);
    out->label = cards_label(a, head.len ? head : BX_STR("[Contact]"), card, 1, false);
    return m->context_info;
}

Wap__ContextInfo *wa_fill_contacts(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__ContactsArray *m = part;
    size_t count = m->n_contacts < MAX_CARDS ? m->n_contacts : MAX_CARDS;
    struct wa_card *cards = bx_arena_alloc(a, (count + 1) * sizeof *cards);
    for (size_t i = 0; i < count; i++)
        cards[i] = card_of(a, m->contacts[i]);
    out->details.cards = cards;
    out->details.card_count = count;
    out->label =
        cards_label(a, bx_arena_printf(a, "[%zu contacts]", m->n_contacts), cards, count, true);
    return m->context_info;
}

/* --- polls --- */

Wap__ContextInfo *wa_fill_poll(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__PollCreation *m = part;
    struct wa_poll *poll = BX_ARENA_NEW(a, struct wa_poll);
    size_t count = m->n_options < MAX_OPTIONS ? m->n_options : MAX_OPTIONS;
    struct bx_str *options = bx_arena_alloc(a, (count + 1) * sizeof *options);
    for (size_t i = 0; i < count; i++)
        options[i] = wa_clean_text(a, m->options[i]->name ? m->options[i]->name : "");
    *poll = (struct wa_poll){wa_clean_text(a, m->name ? m->name : ""), options, count,
                             m->selectable_count};
    out->details.poll = poll;
    struct bx_str head = named(a, "Poll", poll->question);
    struct bx_buf text;
    bx_buf_init(&text, 0);
    bx_buf_str(&text, head.len ? head : BX_STR("[Poll]"));
    for (size_t i = 0; i < count; i++)
        bx_buf_printf(&text, "\n- " BX_STR_FMT, BX_STR_ARG(options[i]));
    out->label = bx_arena_str(a, bx_buf_view(&text));
    bx_buf_done(&text);
    return m->context_info;
}

Wap__ContextInfo *wa_fill_poll_result(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__PollSnapshot *m = part;
    struct bx_buf text;
    bx_buf_init(&text, 0);
    bx_buf_printf(&text, "[Poll result: " BX_STR_FMT "]",
                  BX_STR_ARG(wa_clean_text(a, m->name ? m->name : "")));
    for (size_t i = 0; i < m->n_votes && i < MAX_OPTIONS; i++)
        bx_buf_printf(&text, "\n- " BX_STR_FMT ": %lld",
                      BX_STR_ARG(wa_clean_text(a, m->votes[i]->option ? m->votes[i]->option : "")),
                      (long long)m->votes[i]->count);
    out->label = bx_arena_str(a, bx_buf_view(&text));
    bx_buf_done(&text);
    return m->context_info;
}

/* --- appointments and calls --- */

static int64_t ms_of(int64_t seconds)
{
    return seconds > 0 && seconds < UINT32_MAX ? seconds * 1000 : 0;
}

Wap__ContextInfo *wa_fill_event(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__Event *m = part;
    struct wa_gathering *g = BX_ARENA_NEW(a, struct wa_gathering);
    const char *place_name = m->location ? m->location->name : NULL;
    *g = (struct wa_gathering){.name = wa_clean_text(a, m->name ? m->name : ""),
                               .description = or_null(wa_clean_text(a, m->description)),
                               .place = or_null(wa_clean_text(a, place_name)),
                               .starts_at_ms = ms_of(m->start_time),
                               .ends_at_ms = ms_of(m->end_time),
                               .is_canceled = m->is_canceled};
    out->details.gathering = g;
    struct bx_str head = named(a, m->is_canceled ? "Event cancelled" : "Event", g->name);
    out->label = !head.len ? BX_STR("[Event]")
                 : g->description.len
                     ? bx_arena_printf(a, BX_STR_FMT "\n" BX_STR_FMT, BX_STR_ARG(head),
                                       BX_STR_ARG(g->description))
                     : head;
    return m->context_info;
}

Wap__ContextInfo *wa_fill_scheduled_call(struct bx_arena *a, const void *part,
                                         struct wa_message *out)
{
    const Wap__ScheduledCall *m = part;
    out->label = named(a, m->type == 2 ? "Scheduled video call" : "Scheduled call",
                       wa_clean_text(a, m->title));
    return NULL;
}

Wap__ContextInfo *wa_fill_call_log(struct bx_arena *a, const void *part, struct wa_message *out)
{
    static const char *const outcomes[] = {
        "",        "missed",   "failed",  "declined", "answered elsewhere",
        "ongoing", "silenced", "silenced"};
    const Wap__CallLog *m = part;
    const char *what = m->is_video ? "Video call" : "Voice call";
    bool has_word = m->outcome > 0 && m->outcome < (int)BX_LEN(outcomes);
    out->label = has_word ? bx_arena_printf(a, "[%s, %s]", what, outcomes[m->outcome])
                          : bx_arena_printf(a, "[%s, %lld s]", what, (long long)m->duration_s);
    return NULL;
}
