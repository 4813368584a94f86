/*
 * Every limit of Tiro that a user's data can meet, with its reason. A limit that is a setting has its
 * default here and is named beside it.
 */
#ifndef TIRO_BASE_LIMITS_H
#define TIRO_BASE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* -- messages between processes ------------------------------------------------------------------ */

/* One frame's inline payload. Fits twice into the default socket buffer of Linux (208 KiB), so that a
 * sender never has to raise it; what is larger travels in a sealed memfd. */
#define LIMIT_FRAME_PAYLOAD ((size_t)(96 * 1024))
/* Descriptors in one frame: never more than one bulk object and one companion. */
#define LIMIT_FRAME_FDS 2
/* One range that a jail may ask for: what fits in a frame beside its header fields. */
#define LIMIT_RANGE_BYTES ((size_t)(64 * 1024))
/* One bulk object in a memfd: a page raster of 100 Mpx in RGB, and room for its header. */
#define LIMIT_BULK_BYTES ((size_t)320 * 1024 * 1024)

/* -- audio --------------------------------------------------------------------------------------- */

/* Sample rate of everything after the jail, Hz: what Whisper and Silero were trained on. */
#define AUDIO_RATE 16000
/* A part is packed to this much speech, seconds; research: best error rate per time at 20 s. */
#define LIMIT_PART_PACK_S 20
/* A part never holds more, seconds: Whisper's window. */
#define LIMIT_PART_MAX_S 30
/* Longest recording, seconds: 48 h, more than any meeting, court day or broadcast log that we know of. */
#define LIMIT_AUDIO_SECONDS ((int64_t)48 * 3600)
/* Channels a decoder may report; above it a header lies (FFmpeg's own layouts end at 64). */
#define LIMIT_AUDIO_CHANNELS 64
/* Sample rate a decoder may report, Hz: DSD-rate PCM is the highest in the field. */
#define LIMIT_AUDIO_SOURCE_RATE 768000
/* And the lowest: half of it is the highest tone, and below 500 Hz nothing is understood. A small file at 1 Hz would
 * be days of work. */
#define LIMIT_AUDIO_SOURCE_RATE_MIN 1000
/* Bytes that a container's header may take; covers and indexes are megabytes. */
#define LIMIT_AUDIO_HEADER_BYTES ((uint64_t)256 * 1024 * 1024)

/* -- pages --------------------------------------------------------------------------------------- */

/* Pixels of one page image: A3 at 600 dpi is 70 Mpx. Refused before decoding. */
#define LIMIT_PAGE_PIXELS ((uint64_t)100 * 1000 * 1000)
/* Longest side of one page image, pixels: leptonica's and tesseract's coordinates are 16-bit in places. */
#define LIMIT_PAGE_SIDE 32767
/* Pages of one document. */
#define LIMIT_PAGES 10000
/* Words on one page; a broadsheet has about 6,000. */
#define LIMIT_PAGE_WORDS 100000
/* Bytes of text on one page. */
#define LIMIT_PAGE_TEXT ((size_t)4 * 1024 * 1024)

/* -- time and memory of one file's jail ---------------------------------------------------------- */

/* Address space of a jail: decoders of 8K video and 100 Mpx pages fit, a bomb does not. */
#define LIMIT_JAIL_MEMORY ((uint64_t)2 * 1024 * 1024 * 1024)
/* A jail that sends nothing for this long is stopped, milliseconds. */
#define LIMIT_JAIL_SILENCE_MS 60000

/* -- the engine ---------------------------------------------------------------------------------- */

/* Time that an engine may take over one part, milliseconds. A part of 30 s takes the largest model minutes on one slow
 * core, with all its attempts; what takes longer hangs. */
#define LIMIT_ENGINE_PART_MS ((int64_t)20 * 60 * 1000)

/* -- input files --------------------------------------------------------------------------------- */

/* Largest file read from standard input (it is spooled), bytes. */
#define LIMIT_STDIN_BYTES ((uint64_t)4 * 1024 * 1024 * 1024)

#endif
