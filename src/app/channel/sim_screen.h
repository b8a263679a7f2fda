/* The screen of a number that links, held before the phones of a wabox-sim: they see its QR code, so
 * that linking is one press on their page (docs/SIMULATOR.md, show-qr). WhatsApp itself is never
 * told: a code there is for a camera. */
#ifndef WB_SIM_SCREEN_H
#define WB_SIM_SCREEN_H

#include "app/numbers/line.h"

/* Posts the text to the simulator at `url` (ws://host:port/…) and forgets it: a simulator that does
 * not take it changes nothing. Loop thread. */
void wb_sim_screen_show(struct wb_line *line, const char *url, struct bx_str qr);

#endif
