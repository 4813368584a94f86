#include "asr/cues.h"

#include "asr/cue_block.h"
#include "base/clock.h"
#include "base/utf8.h"

struct asr_cues {
	const struct asr_transcript *t;
	asr_cue_fn *on_cue;
	void *ctx;
	size_t segments_done;
	int64_t words_us; /* times of words never go back before this */
	int64_t shown_until_us; /* end of the last cue */
	bool any_cue;
	int16_t speaker; /* of the block */
	struct cue_block block; /* words whose cues are not decided */
};

/* A piece of text that goes into the block: a word, or a character of one that is longer than a line. */
struct piece {
	const char *s;
	size_t len;
	int64_t start_us;
	int64_t end_us;
	bool space_before;
	int16_t speaker;
};

enum err_code asr_cues_new(const struct asr_transcript *t, asr_cue_fn *on_cue, void *ctx, struct asr_cues **ret,
			   struct err *err)
{
	struct asr_cues *cues = calloc(1, sizeof *cues);
	if (!cues)
		return err_set(err, ERR_NO_MEMORY, "no memory for subtitles");
	cues->t = t;
	cues->on_cue = on_cue;
	cues->ctx = ctx;
	cues->block.text = (struct strbuf)STRBUF_INIT((size_t)CUE_BLOCK_ATOMS * (CUE_ATOM_BYTES + 1));
	*ret = cues;
	return ERR_OK;
}

void asr_cues_free(struct asr_cues *cues)
{
	if (!cues)
		return;
	strbuf_done(&cues->block.text);
	free(cues);
}

bool asr_cues_ok(const struct asr_cues *cues)
{
	return !cues->block.text.failed;
}

static int64_t whole_ms(int64_t us)
{
	return us < 0 ? 0 : (us + US_PER_MS / 2) / US_PER_MS * US_PER_MS;
}

/* How long a cue may stay: its words, then what reading takes, as far as the words after it leave room. */
static int64_t cue_end(const struct asr_cue *cue, size_t columns, int64_t spoken_until_us, int64_t next_start_us)
{
	int64_t end_us = spoken_until_us;
	int64_t reading_us = (int64_t)columns * US_PER_S / CUE_COLUMNS_PER_S;
	if (end_us < cue->start_us + CUE_MIN_US)
		end_us = cue->start_us + CUE_MIN_US;
	if (end_us < cue->start_us + reading_us)
		end_us = cue->start_us + reading_us;
	if (end_us > next_start_us - CUE_CHAIN_US)
		end_us = next_start_us - CUE_GAP_US;
	if (end_us > cue->start_us + CUE_MAX_US)
		end_us = cue->start_us + CUE_MAX_US;
	if (end_us < cue->start_us + CUE_FLOOR_US)
		end_us = cue->start_us + CUE_FLOOR_US;
	return end_us;
}

static void set_line(struct asr_cue *cue, const struct cue_block *block, size_t first, size_t end)
{
	const struct cue_atom *last = &block->atoms[end - 1];
	size_t start = block->atoms[first].text;
	cue->lines[cue->line_count] = block->text.data + start;
	cue->line_len[cue->line_count++] = last->text + last->text_len - start;
}

static void tell_cue(struct asr_cues *cues, const struct cue_range *range, int64_t next_start_us)
{
	const struct cue_block *block = &cues->block;
	struct asr_cue cue = { .speaker = cues->speaker };
	cue.start_us = whole_ms(block->atoms[range->first].start_us);
	if (cues->any_cue && cue.start_us < cues->shown_until_us + CUE_GAP_US)
		cue.start_us = cues->shown_until_us + CUE_GAP_US;
	cue.end_us = cue_end(&cue, cue_block_width(block, range->first, range->end),
			     whole_ms(block->atoms[range->end - 1].end_us), next_start_us);
	cue.end_us = whole_ms(cue.end_us);
	set_line(&cue, block, range->first, range->second);
	if (range->second < range->end)
		set_line(&cue, block, range->second, range->end);
	cues->any_cue = true;
	cues->shown_until_us = cue.end_us;
	cues->on_cue(cues->ctx, &cue);
}

/* Decides the cues of the block and empties it. */
static void tell_block(struct asr_cues *cues, int64_t next_start_us)
{
	struct cue_block *block = &cues->block;
	if (block->count == 0 || block->text.failed)
		return;
	struct cue_range ranges[CUE_BLOCK_ATOMS];
	size_t count = cue_block_cut(block, next_start_us, ranges);
	for (size_t i = 0; i < count; i++) {
		bool last = i + 1 == count;
		tell_cue(cues, &ranges[i], last ? next_start_us : whole_ms(block->atoms[ranges[i + 1].first].start_us));
	}
	block->count = 0;
	strbuf_clear(&block->text);
}

/* True where the block's words need not wait for `next`: their cues do not depend on what follows. */
static bool ends_block(const struct asr_cues *cues, const struct piece *next)
{
	const struct cue_block *block = &cues->block;
	const struct cue_atom *last = &block->atoms[block->count - 1];
	if (block->count == CUE_BLOCK_ATOMS || next->speaker != cues->speaker || last->gap_us >= CUE_PAUSE_US)
		return true;
	/* A sentence too short to be shown alone shares the cue of the next one. */
	int64_t room_us = next->start_us - block->atoms[0].start_us;
	return last->stop == SCRIPT_STOP_SENTENCE && room_us >= CUE_MIN_US + CUE_GAP_US;
}

/* Adds to the last atom what may not be parted from it; false where it is no continuation. */
static bool extend_atom(struct asr_cues *cues, const struct piece *piece)
{
	struct cue_block *block = &cues->block;
	if (block->count == 0 || piece->space_before || piece->speaker != cues->speaker)
		return false;
	struct cue_atom *atom = &block->atoms[block->count - 1];
	size_t width = utf8_width(piece->s, piece->len);
	if (atom->width + width > CUE_COLUMNS || atom->text_len + piece->len > CUE_ATOM_BYTES)
		return false;
	uint32_t before = script_last(block->text.data + atom->text, atom->text_len);
	if (script_may_break(before, script_first(piece->s, piece->len)))
		return false;
	strbuf_add(&block->text, piece->s, piece->len);
	atom->text_len += piece->len;
	atom->width += width;
	atom->end_us = piece->end_us;
	return true;
}

/* Words' times come from a heuristic: they are put in order here. */
static struct piece in_order(struct asr_cues *cues, const struct piece *piece)
{
	struct piece ordered = *piece;
	if (ordered.start_us < cues->words_us)
		ordered.start_us = cues->words_us;
	if (ordered.end_us < ordered.start_us)
		ordered.end_us = ordered.start_us;
	cues->words_us = ordered.start_us;
	return ordered;
}

static void add_piece(struct asr_cues *cues, const struct piece *unordered)
{
	struct cue_block *block = &cues->block;
	struct piece ordered = in_order(cues, unordered);
	const struct piece *piece = &ordered;
	if (block->text.failed || extend_atom(cues, piece))
		return;
	if (block->count > 0) {
		struct cue_atom *last = &block->atoms[block->count - 1];
		last->stop =
			script_stop(block->text.data + last->text, last->text_len, script_first(piece->s, piece->len));
		last->gap_us = piece->start_us - last->end_us;
		if (ends_block(cues, piece))
			tell_block(cues, whole_ms(piece->start_us));
	}
	if (block->count > 0 && piece->space_before)
		strbuf_add_char(&block->text, ' ');
	cues->speaker = piece->speaker;
	block->atoms[block->count++] = (struct cue_atom){
		.start_us = piece->start_us,
		.end_us = piece->end_us,
		.text = block->text.len,
		.text_len = piece->len,
		.width = utf8_width(piece->s, piece->len),
		.space_before = piece->space_before,
		.stop = SCRIPT_STOP_NONE,
	};
	strbuf_add(&block->text, piece->s, piece->len);
}

/* A word longer than a line goes in character by character: what fits stays together, the rest breaks. */
static void add_characters(struct asr_cues *cues, const struct piece *word)
{
	int64_t span_us = word->end_us - word->start_us;
	struct piece piece = *word;
	for (size_t i = 0; i < word->len; i += piece.len) {
		piece.s = word->s + i;
		(void)utf8_decode(piece.s, word->len - i, &piece.len);
		piece.start_us = word->start_us + span_us * (int64_t)i / (int64_t)word->len;
		piece.end_us = word->start_us + span_us * (int64_t)(i + piece.len) / (int64_t)word->len;
		piece.space_before = word->space_before && i == 0;
		if (!script_is_control(script_first(piece.s, piece.len)))
			add_piece(cues, &piece);
	}
}

static bool has_control(const char *s, size_t len)
{
	size_t n;
	for (size_t i = 0; i < len; i += n)
		if (script_is_control(utf8_decode(s + i, len - i, &n)))
			return true;
	return false;
}

/* The first word of a part has no space before it in the transcript, and yet may need one. */
static bool needs_space(const struct asr_cues *cues, const char *s, size_t len)
{
	const struct strbuf *text = &cues->block.text;
	return text->len > 0 && script_needs_space(script_last(text->data, text->len), script_first(s, len));
}

static void add_word(struct asr_cues *cues, const struct asr_word *word, bool starts_segment)
{
	struct piece piece = {
		.s = asr_word_text(cues->t, word),
		.len = word->text_len,
		.start_us = word->start_us,
		.end_us = word->end_us,
		.space_before = word->space_before,
		.speaker = word->speaker,
	};
	if (piece.len == 0)
		return;
	if (starts_segment && needs_space(cues, piece.s, piece.len))
		piece.space_before = true;
	size_t width = utf8_width(piece.s, piece.len);
	if (width > CUE_COLUMNS || piece.len > CUE_ATOM_BYTES || has_control(piece.s, piece.len))
		add_characters(cues, &piece);
	else
		add_piece(cues, &piece);
}

void asr_cues_update(struct asr_cues *cues)
{
	const struct asr_transcript *t = cues->t;
	for (; cues->segments_done < t->segment_count; cues->segments_done++) {
		const struct asr_segment *segment = &t->segments[cues->segments_done];
		for (size_t i = 0; i < segment->word_count; i++)
			add_word(cues, &t->words[segment->first_word + i], i == 0);
	}
}

void asr_cues_end(struct asr_cues *cues)
{
	asr_cues_update(cues);
	if (cues->block.count == 0)
		return;
	int64_t end_us = cues->block.atoms[cues->block.count - 1].end_us;
	/* The last cue may stay until the recording ends. */
	if (end_us < cues->t->duration_us)
		end_us = cues->t->duration_us;
	tell_block(cues, whole_ms(end_us) + CUE_GAP_US);
}
