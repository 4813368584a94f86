/*
 * What the layout of text must know of writing systems: where a line may break, where words are not separated
 * by spaces, where a sentence ends. Heuristics for transcripts, not the whole of UAX #14 and #29. Thread-safe.
 */
#ifndef TIRO_ASR_SCRIPT_H
#define TIRO_ASR_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How well a text may be cut after a word, best first. */
enum script_stop { SCRIPT_STOP_SENTENCE, SCRIPT_STOP_CLAUSE, SCRIPT_STOP_NONE };

/* First and last character of non-empty, well-formed UTF-8. */
uint32_t script_first(const char *s, size_t len);
uint32_t script_last(const char *s, size_t len);

/* True for a character of a script that does not put spaces between words (Han, kana, Thai, Lao, Khmer,
 * Burmese, Tibetan), or for its punctuation. Hangul separates words. */
bool script_is_unspaced(uint32_t c);

/* True if a line may end between two characters that have no space between them: one of them belongs to an
 * unspaced script, no closing mark would start a line and no opening one would end it. */
bool script_may_break(uint32_t before, uint32_t after);

/* True if words that end and start so are parted by a space. */
bool script_needs_space(uint32_t before, uint32_t after);

/* True for a character that would end a line or write nothing: controls and line separators. */
bool script_is_control(uint32_t c);

/* What the word `s` ends, seen with the first character of the word after it (0 where there is none): "Dr." and
 * "3." and a full stop before a small letter end no sentence. */
enum script_stop script_stop(const char *s, size_t len, uint32_t next);

#endif
