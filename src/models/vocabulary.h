/*
 * A Whisper vocabulary as CTranslate2 keeps it (one word per line, or a JSON array of strings), turned into the byte
 * strings that ggml files hold. Byte-level BPE writes each byte as a printable character: the 188 printable bytes of
 * Latin-1 stand for themselves, the other 68 are U+0100 and up in order (GPT-2's byte map).
 */
#ifndef TIRO_MODELS_VOCABULARY_H
#define TIRO_MODELS_VOCABULARY_H

#include "base/err.h"
#include "models/sink.h"

/* Bytes of a vocabulary file: large-v3's JSON has 1.1 MB. */
#define VOCABULARY_FILE_MAX ((size_t)16 * 1024 * 1024)

/*
 * Reads the words before "<|endoftext|>" (the special ones are not stored) and writes u32 count and, for each, u32
 * length and bytes. Failures show in the sink; ERR_CORRUPT for a character outside the byte map or no end word.
 */
void vocabulary_put(struct sink *sink, const void *bytes, size_t size);

#endif
