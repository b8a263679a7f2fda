#include "app/core/chore.h"

void wb_chore_add(struct wb_app *app, struct wb_chore *chore)
{
    chore->next = app->chores;
    app->chores = chore;
}

void wb_chores_run(struct wb_app *app)
{
    for (struct wb_chore *chore = app->chores; chore; chore = chore->next)
        chore->run(chore);
}
