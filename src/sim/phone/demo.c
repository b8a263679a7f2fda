/* Scripted contacts for a first look: an echo bot, a customer who writes now and then, a group. */
#include "sim/phone/demo.h"
#include "base/mem.h"
#include "sim/core/random.h"
#include "sim/network/accounts.h"
#include "sim/network/groups.h"
#include "sim/phone/chat.h"

static const struct {
    const char *phone, *name;
    bool is_echo;
} contacts[] = {
    {"6281300000001", "Echo Bot", true},
    {"6281300000002", "Busy Customer", false},
    {"6281300000003", "Ibu Sari", false},
};

static const char *const lines[] = {
    "Halo, apakah barangnya masih ada?",
    "Is my order on its way?",
    "Terima kasih banyak!",
    "Can I change the address?",
    "Berapa ongkos kirimnya?",
    "What are your opening hours?",
    "Good morning!",
    "Sudah saya transfer ya.",
};

enum { TURN_MS = 2000, TALK_TURNS = 12 };

static struct sim_account *contact(struct sim *sim, size_t i)
{
    return sim_account_get(sim, bx_str(contacts[i].phone), bx_str(contacts[i].name));
}

/* A phone that is seen for the first time: a group for it, and the echo bot says what it is. */
static void greet(struct sim *sim, struct sim_account *phone)
{
    char id[SIM_ID_MAX];
    struct bx_arena arena;
    phone->is_greeted = true;
    bx_arena_init(&arena, 0);
    struct sim_group *g = sim_group_new(sim, contact(sim, 2), BX_STR("Pelanggan Setia"), false);
    sim_group_add(g, contact(sim, 1), SIM_MEMBER);
    sim_group_add(g, phone, SIM_MEMBER);
    sim_group_announce(g, NULL, &arena);
    bx_arena_done(&arena);
    sim_phone_say(contact(sim, 2),
                  &(struct sim_outgoing){.group = g, .text = BX_STR("Selamat datang di grup!")},
                  id);
    sim_phone_say(contact(sim, 0),
                  &(struct sim_outgoing){
                      .to = phone, .text = BX_STR("Write to me: I answer with the same words.")},
                  id);
}

static void customer_writes(struct sim *sim, struct sim_account *phone)
{
    char id[SIM_ID_MAX];
    uint32_t pick;
    sim_random(sim, &pick, sizeof pick);
    sim_phone_say(contact(sim, 1),
                  &(struct sim_outgoing){.to = phone, .text = bx_str(lines[pick % BX_LEN(lines)])},
                  id);
}

/* A past for a phone that has none: what was said before it was linked. */
static const struct {
    size_t who;
    bool is_from_me;
    int minutes_ago;
    const char *text;
} past[] = {
    {1, false, 2890, "Selamat pagi, apakah toko sudah buka?"},
    {1, true, 2886, "Pagi Pak, kami buka pukul 08.00."},
    {1, false, 2884, "Baik, nanti saya mampir."},
    {2, false, 1507, "Halo, pesanan saya nomor 4711 sudah dikirim?"},
    {2, true, 1500, "Sudah Bu, tadi siang. Besok sampai."},
    {2, false, 1499, "Terima kasih!"},
    {2, false, 95, "Barangnya sudah datang, bagus sekali."},
    {2, false, 94, "Ada warna lain?"},
};

static json_t *past_messages(size_t who, json_int_t now)
{
    json_t *list = json_array();
    for (size_t i = 0; i < BX_LEN(past); i++) {
        if (past[i].who == who)
            json_array_append_new(list, json_pack("{s:b,s:s,s:I}", "fromMe", past[i].is_from_me,
                                                  "text", past[i].text, "t",
                                                  now - 60 * (json_int_t)past[i].minutes_ago));
    }
    return list;
}

json_t *sim_demo_history(void)
{
    json_int_t now = sim_now_s();
    json_t *chats = json_array(), *names = json_array();
    for (size_t i = 0; i < BX_LEN(contacts); i++) {
        json_t *messages = past_messages(i, now);
        size_t count = json_array_size(messages);
        json_array_append_new(names, json_pack("{s:s,s:s}", "phone", contacts[i].phone, "pushName",
                                               contacts[i].name));
        if (!count) {
            json_decref(messages);
            continue;
        }
        json_t *last = json_object_get(json_array_get(messages, count - 1), "t");
        json_array_append_new(chats,
                              json_pack("{s:s,s:s,s:O,s:o}", "chat", contacts[i].phone, "name",
                                        contacts[i].name, "t", last, "messages", messages));
    }
    return json_pack("{s:o,s:o}", "chats", chats, "pushnames", names);
}

static bool has_ready_device(const struct sim_account *a)
{
    BX_LIST_EACH(&a->devices, node)
    {
        const struct sim_device *d = BX_CONTAINER_OF(node, struct sim_device, node);
        if (d->is_bootstrapped && d->conn)
            return true;
    }
    return false;
}

static void on_turn(void *arg)
{
    struct sim *sim = arg;
    bool is_time_to_talk = ++sim->demo_turns % TALK_TURNS == 0;
    BX_LIST_EACH(&sim->account_list, node)
    {
        struct sim_account *a = BX_CONTAINER_OF(node, struct sim_account, node);
        if (a->is_scripted || !has_ready_device(a))
            continue;
        if (!a->is_greeted)
            greet(sim, a);
        else if (is_time_to_talk)
            customer_writes(sim, a);
    }
    net_timer_start(sim->loop, &sim->demo_timer, TURN_MS);
}

void sim_demo_start(struct sim *sim)
{
    for (size_t i = 0; i < BX_LEN(contacts); i++) {
        struct sim_account *a = contact(sim, i);
        a->is_scripted = true;
        a->is_echo = contacts[i].is_echo;
        a->receipts = SIM_RECEIPTS_READ;
        a->is_available = true;
    }
    sim->demo_timer.fn = on_turn;
    net_timer_start(sim->loop, &sim->demo_timer, TURN_MS);
}
