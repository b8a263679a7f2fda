/* libwa as WaBox's WhatsApp engine. A library of its own, so that tests without WhatsApp need not
 * link it. */
#ifndef WB_ENGINE_WA_H
#define WB_ENGINE_WA_H

#include "app/channel/engine.h"

extern const struct wb_engine_ops wb_engine_wa;

#endif
