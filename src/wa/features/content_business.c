/* What companies send: a body with buttons, lists, products, orders, payments. The body is the text,
 * buttons and choices are lines below it, so that they are read and found. */
#include "wa/features/content.h"

enum { MAX_BUTTONS = 128, MAX_DEPTH = 4 };

/* A text that grows by lines, and the buttons found on the way. */
struct page {
    struct bx_arena *a;
    struct bx_buf text;
    struct wa_button buttons[MAX_BUTTONS];
    size_t button_count;
};

static struct page *page_new(struct bx_arena *a)
{
    struct page *p = BX_ARENA_NEW(a, struct page);
    p->a = a;
    bx_buf_init(&p->text, 0);
    return p;
}

static void line(struct page *p, const char *mark, struct bx_str s)
{
    if (s.len)
        bx_buf_printf(&p->text, "%s%s" BX_STR_FMT, p->text.len ? "\n" : "", mark, BX_STR_ARG(s));
}

static void line_of(struct page *p, const char *text)
{
    line(p, "", wa_clean_text(p->a, text));
}

static void button(struct page *p, const char *id, const char *text, const char *url)
{
    struct wa_button b = {.id = wa_clean_text(p->a, id),
                          .text = wa_clean_text(p->a, text ? text : ""),
                          .url = wa_clean_text(p->a, url)};
    if (p->button_count == MAX_BUTTONS || !b.text.len)
        return;
    p->buttons[p->button_count++] = b;
    line(p, "• ",
         b.url.len ? bx_arena_printf(p->a, BX_STR_FMT ": " BX_STR_FMT, BX_STR_ARG(b.text),
                                     BX_STR_ARG(b.url))
                   : b.text);
}

static void page_end(struct page *p, struct wa_message *out)
{
    if (p->text.len)
        out->text = bx_arena_str(p->a, bx_buf_view(&p->text));
    out->details.buttons = p->buttons;
    out->details.button_count = p->button_count;
    bx_buf_done(&p->text);
}

static void media(struct page *p, const Wap__Document *document, const Wap__Image *image,
                  const Wap__Video *video, const Wap__Location *location)
{
    if (document)
        line(p, "",
             bx_arena_printf(
                 p->a, "[Document: " BX_STR_FMT "]",
                 BX_STR_ARG(wa_clean_text(p->a, document->file_name ? document->file_name : ""))));
    if (image)
        line(p, "", BX_STR("[Image]"));
    if (video)
        line(p, "", BX_STR("[Video]"));
    if (location)
        line(p, "",
             bx_arena_printf(p->a, "[Location: %.5f, %.5f]", location->latitude,
                             location->longitude));
}

/* "IDR 150000.00": amounts are in thousandths. */
static struct bx_str amount(struct bx_arena *a, const char *currency, int64_t thousandths)
{
    struct bx_str code = wa_clean_text(a, currency ? currency : "");
    return bx_arena_printf(a, BX_STR_FMT "%s%.2f", BX_STR_ARG(code), code.len ? " " : "",
                           (double)thousandths / 1000.0);
}

/* A member of a flat JSON object; escapes other than \" and \\ stay as they are. */
static const char *json_member(struct bx_arena *a, const char *json, const char *key)
{
    struct bx_str name = bx_arena_printf(a, "\"%s\"", key);
    const char *at = json ? strstr(json, name.ptr) : NULL;
    at = at ? strchr(at + name.len, ':') : NULL;
    at = at ? strchr(at, '"') : NULL;
    if (!at)
        return NULL;
    char *out = bx_arena_alloc(a, strlen(at) + 1);
    size_t len = 0;
    for (at++; *at && *at != '"'; at++) {
        if (*at == '\\' && (at[1] == '"' || at[1] == '\\' || at[1] == '/'))
            at++;
        out[len++] = *at;
    }
    out[len] = 0;
    return out;
}

static void flow_button(struct page *p, const char *name, const char *json)
{
    const char *text = json_member(p->a, json, "display_text");
    const char *url = json_member(p->a, json, "url");
    if (!text)
        text = json_member(p->a, json, "title");
    button(p, json_member(p->a, json, "id"), text ? text : name, url);
}

/* --- answers to buttons --- */

Wap__ContextInfo *wa_fill_buttons_response(struct bx_arena *a, const void *part,
                                           struct wa_message *out)
{
    const Wap__ButtonsResponse *m = part;
    out->text = wa_clean_text(a, m->selected_display_text);
    return m->context_info;
}

Wap__ContextInfo *wa_fill_list_response(struct bx_arena *a, const void *part,
                                        struct wa_message *out)
{
    const Wap__ListResponse *m = part;
    struct page *p = page_new(a);
    line_of(p, m->title);
    line_of(p, m->description);
    page_end(p, out);
    return m->context_info;
}

Wap__ContextInfo *wa_fill_template_reply(struct bx_arena *a, const void *part,
                                         struct wa_message *out)
{
    const Wap__TemplateButtonReply *m = part;
    out->text = wa_clean_text(a, m->selected_display_text);
    return m->context_info;
}

Wap__ContextInfo *wa_fill_flow_response(struct bx_arena *a, const void *part,
                                        struct wa_message *out)
{
    const Wap__InteractiveResponse *m = part;
    out->text = wa_clean_text(a, m->body ? m->body->text : NULL);
    return m->context_info;
}

/* --- templates --- */

static void hydrated(struct page *p, const Wap__HydratedTemplate *t)
{
    media(p, t->document, t->image, t->video, t->location);
    line_of(p, t->title);
    line_of(p, t->body);
    line_of(p, t->footer);
    for (size_t i = 0; i < t->n_buttons; i++) {
        const Wap__HydratedButton *b = t->buttons[i];
        if (b->quick_reply)
            button(p, b->quick_reply->id, b->quick_reply->text, NULL);
        if (b->url)
            button(p, NULL, b->url->text, b->url->url);
        if (b->phone)
            button(p, NULL, b->phone->text,
                   b->phone->number ? bx_arena_printf(p->a, "tel:%s", b->phone->number).ptr : NULL);
    }
}

static Wap__ContextInfo *interactive(struct page *p, const Wap__Interactive *m, int depth);
static Wap__ContextInfo *template(struct page *p, const Wap__Template *m, int depth);

static void structured(struct page *p, const Wap__HighlyStructured *m, int depth)
{
    if (m->hydrated && depth < MAX_DEPTH) {
        template(p, m->hydrated, depth + 1);
        return;
    }
    if (!m->n_params)
        line_of(p, m->element_name);
    for (size_t i = 0; i < m->n_params && i < MAX_BUTTONS; i++)
        line_of(p, m->params[i]);
}

static Wap__ContextInfo *template(struct page *p, const Wap__Template *m, int depth)
{
    const Wap__FourRowTemplate *four = m->four_row;
    if (m->hydrated)
        hydrated(p, m->hydrated);
    else if (m->hydrated_four_row)
        hydrated(p, m->hydrated_four_row);
    else if (m->interactive && depth < MAX_DEPTH)
        interactive(p, m->interactive, depth + 1);
    else if (four) {
        if (four->title)
            structured(p, four->title, depth + 1);
        if (four->content)
            structured(p, four->content, depth + 1);
        if (four->footer)
            structured(p, four->footer, depth + 1);
    }
    return m->context_info;
}

Wap__ContextInfo *wa_fill_template(struct bx_arena *a, const void *part, struct wa_message *out)
{
    struct page *p = page_new(a);
    Wap__ContextInfo *ctx = template(p, part, 0);
    page_end(p, out);
    return ctx;
}

Wap__ContextInfo *wa_fill_structured(struct bx_arena *a, const void *part, struct wa_message *out)
{
    struct page *p = page_new(a);
    structured(p, part, 0);
    page_end(p, out);
    return NULL;
}

/* --- buttons, lists --- */

Wap__ContextInfo *wa_fill_buttons(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__Buttons *m = part;
    struct page *p = page_new(a);
    media(p, m->document, m->image, m->video, m->location);
    line_of(p, m->header);
    line_of(p, m->content);
    line_of(p, m->footer);
    for (size_t i = 0; i < m->n_buttons; i++) {
        const Wap__Buttons__Button *b = m->buttons[i];
        if (b->text)
            button(p, b->id, b->text->text, NULL);
        else if (b->flow)
            flow_button(p, b->flow->name, b->flow->params_json);
    }
    page_end(p, out);
    return m->context_info;
}

Wap__ContextInfo *wa_fill_list(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__List *m = part;
    struct page *p = page_new(a);
    line_of(p, m->title);
    line_of(p, m->description);
    line_of(p, m->footer);
    for (size_t i = 0; i < m->n_sections; i++) {
        const Wap__List__Section *s = m->sections[i];
        line_of(p, s->title);
        for (size_t k = 0; k < s->n_rows; k++) {
            button(p, s->rows[k]->id, s->rows[k]->title, NULL);
            line(p, "  ", wa_clean_text(a, s->rows[k]->description));
        }
    }
    page_end(p, out);
    return m->context_info;
}

/* --- products, orders --- */

static void product(struct page *p, const Wap__Product *m)
{
    const Wap__Product__Snapshot *s = m->product;
    if (s) {
        line_of(p, s->title);
        line_of(p, s->description);
        if (s->price_1000)
            line(
                p, "",
                amount(p->a, s->currency, s->sale_price_1000 ? s->sale_price_1000 : s->price_1000));
        line_of(p, s->url);
    } else if (m->catalog) {
        line_of(p, m->catalog->title);
        line_of(p, m->catalog->description);
    }
    line_of(p, m->body);
    line_of(p, m->footer);
}

Wap__ContextInfo *wa_fill_product(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__Product *m = part;
    struct page *p = page_new(a);
    product(p, m);
    page_end(p, out);
    return m->context_info;
}

Wap__ContextInfo *wa_fill_order(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__Order *m = part;
    struct page *p = page_new(a);
    struct bx_str title = wa_clean_text(a, m->title ? m->title : "");
    line(p, "",
         bx_arena_printf(a, "[Order%s" BX_STR_FMT "]", title.len ? ": " : "", BX_STR_ARG(title)));
    line_of(p, m->message);
    if (m->item_count > 0)
        line(p, "", bx_arena_printf(a, "%d item%s", m->item_count, m->item_count == 1 ? "" : "s"));
    if (m->total_1000)
        line(p, "", amount(a, m->currency, m->total_1000));
    page_end(p, out);
    return m->context_info;
}

Wap__ContextInfo *wa_fill_invoice(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__Invoice *m = part;
    out->text = wa_clean_text(a, m->note);
    return NULL;
}

/* --- interactive --- */

static Wap__ContextInfo *interactive(struct page *p, const Wap__Interactive *m, int depth)
{
    if (m->header) {
        const Wap__Interactive__Header *h = m->header;
        media(p, h->document, h->image, h->video, h->location);
        line_of(p, h->title);
        line_of(p, h->subtitle);
        if (h->product)
            product(p, h->product);
    }
    line_of(p, m->body ? m->body->text : NULL);
    line_of(p, m->footer ? m->footer->text : NULL);
    for (size_t i = 0; m->flow && i < m->flow->n_buttons; i++)
        flow_button(p, m->flow->buttons[i]->name, m->flow->buttons[i]->params_json);
    for (size_t i = 0; m->carousel && depth < MAX_DEPTH && i < m->carousel->n_cards && i < 32; i++)
        interactive(p, m->carousel->cards[i], depth + 1);
    return m->context_info;
}

Wap__ContextInfo *wa_fill_interactive(struct bx_arena *a, const void *part, struct wa_message *out)
{
    struct page *p = page_new(a);
    Wap__ContextInfo *ctx = interactive(p, part, 0);
    page_end(p, out);
    return ctx;
}

/* --- payments, invitations --- */

static void note(struct page *p, const Wap__Message *m)
{
    if (m && m->extended_text)
        line_of(p, m->extended_text->text);
    else if (m)
        line_of(p, m->conversation);
}

Wap__ContextInfo *wa_fill_payment(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__SendPayment *m = part;
    struct page *p = page_new(a);
    line(p, "", BX_STR("[Payment]"));
    note(p, m->note);
    page_end(p, out);
    return NULL;
}

Wap__ContextInfo *wa_fill_payment_request(struct bx_arena *a, const void *part,
                                          struct wa_message *out)
{
    const Wap__RequestPayment *m = part;
    struct page *p = page_new(a);
    int64_t thousandths = m->amount_1000 < INT64_MAX ? (int64_t)m->amount_1000 : 0;
    line(p, "",
         bx_arena_printf(a, "[Payment request: " BX_STR_FMT "]",
                         BX_STR_ARG(amount(a, m->currency, thousandths))));
    note(p, m->note);
    page_end(p, out);
    return NULL;
}

Wap__ContextInfo *wa_fill_channel_invite(struct bx_arena *a, const void *part,
                                         struct wa_message *out)
{
    const Wap__ChannelInvite *m = part;
    struct page *p = page_new(a);
    line(p, "",
         bx_arena_printf(a, "[Channel invitation: " BX_STR_FMT "]",
                         BX_STR_ARG(wa_clean_text(a, m->name ? m->name : ""))));
    line_of(p, m->caption);
    page_end(p, out);
    return NULL;
}

Wap__ContextInfo *wa_fill_sticker_pack(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__StickerPack *m = part;
    struct page *p = page_new(a);
    line(p, "",
         bx_arena_printf(a, "[Sticker pack: " BX_STR_FMT "]",
                         BX_STR_ARG(wa_clean_text(a, m->name ? m->name : ""))));
    line_of(p, m->caption);
    page_end(p, out);
    return m->context_info;
}

Wap__ContextInfo *wa_fill_comment(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__Comment *m = part;
    struct page *p = page_new(a);
    note(p, m->message);
    page_end(p, out);
    if (m->target_message_key && m->target_message_key->id)
        out->quoted_id = wa_clean_text(a, m->target_message_key->id);
    return NULL;
}
