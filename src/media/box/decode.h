/* The strict steps of wabox-media: what our own decoders do with a file. Each is a box_step_fn. */
#ifndef BOX_DECODE_H
#define BOX_DECODE_H

#include "media/box/step.h"

/* Says what the file is; pictures get a thumbnail and a preview. BX_OK for every file. */
box_step_fn box_decode_probe;

/* Writes what is sent as request->kind. BX_E_AGAIN: a tool has to convert it first. */
box_step_fn box_decode_prepare;

/* The input is samples of 16 bits at BOX_PCM_RATE: duration and waveform. */
box_step_fn box_decode_pcm;
enum { BOX_PCM_RATE = 4000 };

/* The input is what pdfinfo prints: the number of pages. */
box_step_fn box_decode_pages;

/* Tries what must be refused. */
box_step_fn box_decode_prove;

#endif
