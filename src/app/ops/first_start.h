/* What a fresh database needs: an administrator. Also behind `waboxctl create-admin` and
 * `reset-password`. Needs no loop. */
#ifndef WB_FIRST_START_H
#define WB_FIRST_START_H

#include "store/store.h"

/* Setting that changes whenever another process than the server changed users or logins. */
#define WB_ACCESS_MARK "access.mark"

struct wb_admin {
    const char *name, *username, *email, *password;
};

/* Makes one when there is no user at all. Returns 1 when it did. */
int wb_admin_ensure(struct st_writer *writer, const struct wb_admin *admin);
/* Makes one, whoever is there. BX_E_EXISTS. */
int wb_admin_create(struct st_writer *writer, const struct wb_admin *admin);
/* New password for a username or e-mail; ends its logins. BX_E_NOT_FOUND. */
int wb_password_reset(struct st_writer *writer, const char *login, const char *password);

#endif
