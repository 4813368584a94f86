/*
 * Subtitles: SubRip (SRT), which has no specification but a habit, and WebVTT (W3C). Their cues are those of
 * asr/cues.h.
 */
#include <inttypes.h>
#include <string.h>

#include "asr/format_priv.h"
#include "base/clock.h"

/* Hours have two digits, or as many as it takes. */
static void add_time(struct strbuf *out, int64_t us, char point)
{
	int64_t ms = us / US_PER_MS;
	strbuf_addf(out, "%02" PRId64 ":%02d:%02d%c%03d", ms / 3600000, (int)(ms / 60000 % 60), (int)(ms / 1000 % 60),
		    point, (int)(ms % 1000));
}

static void add_times(struct strbuf *out, const struct asr_cue *cue, char point)
{
	add_time(out, cue->start_us, point);
	strbuf_add_str(out, " --> ");
	add_time(out, cue->end_us, point);
	strbuf_add_char(out, '\n');
}

/* SRT has no escapes; only an arrow could be taken for a line of times, so it loses a dash. */
static void srt_line(struct strbuf *out, const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (len - i < 3 || memcmp(line + i, "-->", 3) != 0)
			strbuf_add_char(out, line[i]);
	strbuf_add_char(out, '\n');
}

static void srt_cue(void *ctx, const struct asr_cue *cue)
{
	struct asr_writer *w = ctx;
	strbuf_addf(w->out, "%zu\n", ++w->cue_count);
	add_times(w->out, cue, ',');
	for (int i = 0; i < cue->line_count; i++)
		srt_line(w->out, cue->lines[i], cue->line_len[i]);
	strbuf_add_char(w->out, '\n');
}

const struct format_ops format_srt_ops = { .cue = srt_cue };

static void vtt_begin(struct asr_writer *w)
{
	strbuf_add_str(w->out, "WEBVTT\n\n");
}

static void vtt_line(struct strbuf *out, const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (line[i] == '&')
			strbuf_add_str(out, "&amp;");
		else if (line[i] == '<')
			strbuf_add_str(out, "&lt;");
		else if (line[i] == '>')
			strbuf_add_str(out, "&gt;");
		else
			strbuf_add_char(out, line[i]);
	}
	strbuf_add_char(out, '\n');
}

static void vtt_cue(void *ctx, const struct asr_cue *cue)
{
	struct asr_writer *w = ctx;
	add_times(w->out, cue, '.');
	if (cue->speaker != ASR_NO_SPEAKER)
		strbuf_addf(w->out, "<v Speaker %d>", cue->speaker + 1);
	for (int i = 0; i < cue->line_count; i++)
		vtt_line(w->out, cue->lines[i], cue->line_len[i]);
	strbuf_add_char(w->out, '\n');
}

const struct format_ops format_vtt_ops = { .begin = vtt_begin, .cue = vtt_cue };
