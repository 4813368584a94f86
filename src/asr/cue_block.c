#include "asr/cue_block.h"

#include <math.h>

#include "base/clock.h"

/*
 * Both cuts minimise a sum of costs over all ways to cut, as in D. E. Knuth and M. F. Plass, "Breaking Paragraphs
 * into Lines" (1981). The unit is the cost of a cut between two words of a phrase.
 */
static const double COST_CUE = 0.5; /* keeps cues from being smaller than they need to be */
static const double COST_SENTENCE_INSIDE = 0.6; /* a sentence should end its cue */
static const double COST_TOO_SHORT = 4.0; /* shown for no time at all; in proportion below CUE_MIN_US */
static const double COST_SMALL = 0.5; /* a cue of no columns; in proportion below SMALL_COLUMNS */
static const double COST_UNBALANCED = 1.0; /* lines that differ by a whole line */
static const double COST_TOP_HEAVY = 0.1;
enum { SMALL_COLUMNS = 20, SHORT_WORD_COLUMNS = 3 };

size_t cue_block_width(const struct cue_block *block, size_t first, size_t end)
{
	size_t width = 0;
	for (size_t i = first; i < end; i++)
		width += block->atoms[i].width + (i > first && block->atoms[i].space_before);
	return width;
}

/* Of ending a line or a cue after an atom. */
static double cut_cost(const struct cue_atom *atom)
{
	if (atom->stop == SCRIPT_STOP_SENTENCE)
		return 0;
	if (atom->stop == SCRIPT_STOP_CLAUSE)
		return 0.2;
	/* Articles and prepositions are short in most languages, and belong to what follows. */
	double cost = atom->width <= SHORT_WORD_COLUMNS ? 1.3 : 1.0;
	/* A speaker pauses between phrases. */
	double pause_s = (double)atom->gap_us / (double)US_PER_S;
	return cost - 0.6 * fmin(pause_s / 0.4, 1.0);
}

/*
 * Finds where the second line of [first, end) starts; `end` where one line holds it all. False where two lines
 * do not. *ret_cost is how bad the lines look.
 */
static bool break_lines(const struct cue_block *block, size_t first, size_t end, size_t *ret_second, double *ret_cost)
{
	size_t total = cue_block_width(block, first, end);
	*ret_second = end;
	*ret_cost = 0;
	if (total <= CUE_COLUMNS)
		return true;
	double best = INFINITY;
	size_t top = 0;
	for (size_t second = first + 1; second < end; second++) {
		const struct cue_atom *last = &block->atoms[second - 1];
		top += last->width + (second - 1 > first && last->space_before);
		size_t bottom = total - top - block->atoms[second].space_before;
		if (top > CUE_COLUMNS || bottom > CUE_COLUMNS)
			continue;
		double difference = ((double)bottom - (double)top) / CUE_COLUMNS;
		double cost =
			cut_cost(last) + COST_UNBALANCED * fabs(difference) + (difference < 0 ? COST_TOP_HEAVY : 0);
		if (cost < best) {
			best = cost;
			*ret_second = second;
		}
	}
	*ret_cost = best / 2;
	return *ret_second < end;
}

/* Of showing [first, end) as one cue whose place is taken by other words at `next_start_us`. */
static double time_cost(const struct cue_block *block, const struct cue_range *cue, int64_t next_start_us)
{
	int64_t shown_us = CUE_MAX_US;
	int64_t start_us = block->atoms[cue->first].start_us;
	if (next_start_us - start_us - CUE_GAP_US < shown_us)
		shown_us = next_start_us - start_us - CUE_GAP_US;
	double cost = 0;
	if (shown_us < CUE_MIN_US)
		cost += COST_TOO_SHORT * (double)(CUE_MIN_US - shown_us) / (double)CUE_MIN_US;
	double columns = (double)cue_block_width(block, cue->first, cue->end);
	double shown_s = (double)(shown_us > CUE_FLOOR_US ? shown_us : CUE_FLOOR_US) / (double)US_PER_S;
	double haste = columns / shown_s / CUE_COLUMNS_PER_S - 1;
	return cost + fmin(fmax(haste, 0), 2);
}

/* Infinite where [first, end) cannot be one cue; *ret gets its lines. */
static double cue_cost(const struct cue_block *block, struct cue_range *cue, int64_t next_start_us)
{
	const struct cue_atom *last = &block->atoms[cue->end - 1];
	double cost;
	if (!break_lines(block, cue->first, cue->end, &cue->second, &cost))
		return INFINITY;
	if (cue->end - cue->first > 1 && last->end_us - block->atoms[cue->first].start_us > CUE_MAX_US)
		return INFINITY;
	cost += COST_CUE + time_cost(block, cue, next_start_us);
	if (cue->end < block->count)
		cost += cut_cost(last);
	for (size_t i = cue->first; i + 1 < cue->end; i++)
		cost += block->atoms[i].stop == SCRIPT_STOP_SENTENCE ? COST_SENTENCE_INSIDE : 0;
	size_t columns = cue_block_width(block, cue->first, cue->end);
	if (columns < SMALL_COLUMNS)
		cost += COST_SMALL * (double)(SMALL_COLUMNS - columns) / SMALL_COLUMNS;
	return cost;
}

size_t cue_block_cut(const struct cue_block *block, int64_t next_start_us, struct cue_range ret[CUE_BLOCK_ATOMS])
{
	double best[CUE_BLOCK_ATOMS + 1] = { 0 }; /* of the first n atoms */
	struct cue_range last[CUE_BLOCK_ATOMS + 1] = { 0 }; /* the cue that ends there */
	for (size_t end = 1; end <= block->count; end++) {
		int64_t after_us = end < block->count ? block->atoms[end].start_us : next_start_us;
		best[end] = INFINITY;
		for (size_t first = end; first-- > 0;) {
			struct cue_range cue = { .first = first, .end = end };
			double cost = cue_cost(block, &cue, after_us);
			if (isinf(cost))
				break;
			if (best[first] + cost < best[end]) {
				best[end] = best[first] + cost;
				last[end] = cue;
			}
		}
	}
	size_t count = 0;
	for (size_t end = block->count; end > 0; end = last[end].first)
		ret[count++] = last[end];
	for (size_t i = 0; i < count / 2; i++) {
		struct cue_range swap = ret[i];
		ret[i] = ret[count - 1 - i];
		ret[count - 1 - i] = swap;
	}
	return count;
}
