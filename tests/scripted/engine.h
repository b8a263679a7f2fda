/* The scripted engine; see README.md. */
#ifndef SCRIPTED_ENGINE_H
#define SCRIPTED_ENGINE_H

#include "app/channel/engine.h"

extern const struct wb_engine_ops scripted_engine;

#endif
