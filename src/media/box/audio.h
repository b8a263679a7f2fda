/* Recordings: length and loudness of Ogg Opus, length of MP3, AAC and AMR by their frames, WAV into
 * Ogg Opus. Runs only inside the sandbox of wabox-media. */
#ifndef BOX_AUDIO_H
#define BOX_AUDIO_H

#include "media/proto.h"

/* Sixty-four blocks of loudness from block means: each divided by the largest, 0..100. Silence is
 * zeros. */
void box_waveform(const double means[MD_WAVEFORM], uint8_t out[MD_WAVEFORM]);

/* Duration and waveform of an Ogg Opus file. BX_E_INVALID. */
int box_opus_read(int fd, struct md_result *out);

/* Duration and waveform of mono samples of 16 bits (little endian) at `rate`. */
int box_pcm_read(int fd, uint32_t rate, struct md_result *out);

/* Encodes a WAV file as Ogg Opus; mono at 32 kbit/s for voice notes. BX_E_UNSUPPORTED: an encoding
 * other than PCM and floats; BX_E_INVALID. */
int box_wav_to_opus(int in_fd, int out_fd, bool is_voice);

/* Duration of a WAV file. */
int box_wav_read(int fd, struct md_result *out);

/* Duration of a file of frames (MD_MP3, MD_AAC, MD_AMR), and where its audio begins and ends: what
 * lies outside are tags. BX_E_INVALID: no frames. */
int box_frames_read(int fd, enum md_format format, struct md_result *out, uint64_t *begin,
                    uint64_t *end);

#endif
