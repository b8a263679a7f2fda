/* Scripted contacts for a first look: an echo bot, a customer who writes now and then, a group. */
#include "base/mem.h"
#include "sim/internal.h"

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

enum { FIRST_MS = 4000, EVERY_MS = 20000 };

static struct sim_account *contact(struct sim *sim, size_t i)
{
    return sim_account_get(sim, bx_str(contacts[i].phone), bx_str(contacts[i].name));
}

/* The customer writes to every linked phone; the first time a phone is seen it gets a group as
 * well. */
static void speak(struct sim *sim, struct sim_account *phone)
{
    char id[SIM_ID_MAX];
    uint32_t pick;
    sim_random(sim, &pick, sizeof pick);
    if (!phone->is_greeted) {
        struct bx_arena arena;
        phone->is_greeted = true;
        bx_arena_init(&arena, 0);
        struct sim_group *g = sim_group_new(sim, contact(sim, 2), BX_STR("Pelanggan Setia"), false);
        sim_group_add(g, contact(sim, 1), SIM_MEMBER);
        sim_group_add(g, phone, SIM_MEMBER);
        sim_group_announce(g, NULL, &arena);
        bx_arena_done(&arena);
        sim_phone_say(
            contact(sim, 0),
            &(struct sim_outgoing){.to = phone,
                                   .text = BX_STR("Write to me: I answer with the same words.")},
            id);
        sim_phone_say(contact(sim, 2),
                      &(struct sim_outgoing){.group = g, .text = BX_STR("Selamat datang di grup!")},
                      id);
    }
    sim_phone_say(contact(sim, 1),
                  &(struct sim_outgoing){.to = phone, .text = bx_str(lines[pick % BX_LEN(lines)])},
                  id);
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
    BX_LIST_EACH(&sim->account_list, node)
    {
        struct sim_account *a = BX_CONTAINER_OF(node, struct sim_account, node);
        if (!a->is_scripted && has_ready_device(a))
            speak(sim, a);
    }
    net_timer_start(sim->loop, &sim->demo_timer, EVERY_MS);
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
    net_timer_start(sim->loop, &sim->demo_timer, FIRST_MS);
}
