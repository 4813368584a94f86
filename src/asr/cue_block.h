/*
 * A stretch of words that is cut into cues at once: where cues and lines break. Used by asr/cues.c only.
 */
#ifndef TIRO_ASR_CUE_BLOCK_H
#define TIRO_ASR_CUE_BLOCK_H

#include "asr/cues.h"
#include "asr/script.h"

enum {
	/* Atoms in a block. A sentence ends a block, and few have so many words; a longer one is cut. */
	CUE_BLOCK_ATOMS = 256,
	/* Bytes of an atom: 42 columns take 168 and marks that stand on one another as many more as this allows. */
	CUE_ATOM_BYTES = 1024
};

/* What no line break may divide: mostly a word. */
struct cue_atom {
	int64_t start_us;
	int64_t end_us;
	size_t text; /* offset in the block's text */
	size_t text_len;
	size_t width; /* columns, at most CUE_COLUMNS */
	bool space_before;
	enum script_stop stop; /* what it ends; set when the atom after it is known */
	int64_t gap_us; /* silence after it; set with `stop` */
};

struct cue_block {
	struct strbuf text; /* of all atoms, with the spaces between them */
	size_t count;
	struct cue_atom atoms[CUE_BLOCK_ATOMS];
};

/* The atoms [first, end) of a block make a cue; its lines are [first, second) and, if second < end, [second, end). */
struct cue_range {
	size_t first;
	size_t second;
	size_t end;
};

/*
 * Cuts a block that is not empty into cues; `next_start_us` is when the words after it start (INT64_MAX: none).
 * Returns how many were written to `ret`. Each fits in its lines.
 */
size_t cue_block_cut(const struct cue_block *block, int64_t next_start_us, struct cue_range ret[CUE_BLOCK_ATOMS]);

/* Columns of the atoms [first, end) in one line. */
size_t cue_block_width(const struct cue_block *block, size_t first, size_t end);

#endif
