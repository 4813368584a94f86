#include "ocr/pp_page.h"

#include <math.h>
#include <stdlib.h>

/* Less sure than this is no text: a picture, a rule, a stamp. */
#define LINE_MIN 0.5f
/* Half of the width that a character covers, in heights of its line: a wide letter, and a space beside it. */
#define REACH 0.6f
/* Lines of a probe, and how much of each is read, in heights. */
enum { PROBE_LINES = 5 };
#define PROBE_RATIO 10.0f
/* A line tells its direction if it is longer than high by this. */
#define LONG_RATIO 2.0f

void pp_lines_done(struct pp_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		pp_line_done(&lines->items[i]);
	free(lines->items);
	*lines = (struct pp_lines){ 0 };
}

static bool has_text(const struct pp_session *session, const struct pp_line *line)
{
	for (size_t i = 0; i < line->count; i++)
		if (!pp_dictionary_is_space(pp_session_dictionary(session), line->chars[i].column))
			return line->confidence >= LINE_MIN;
	return false;
}

enum err_code pp_read_lines(struct pp_session *session, const struct ocr_raster *raster, const struct ocr_run *run,
			    const struct pp_quads *quads, float squeeze, struct pp_lines *ret, struct err *err)
{
	struct pp_lines lines = { calloc(quads->count ? quads->count : 1, sizeof(*lines.items)), 0 };
	enum err_code code =
		lines.items ? ERR_OK : err_set(err, ERR_NO_MEMORY, "no memory for %zu text lines", quads->count);

	for (size_t i = 0; i < quads->count && code == ERR_OK; i++) {
		struct pp_line *line = &lines.items[lines.count];
		if (ocr_run_aborted(run))
			code = err_set(err, ERR_CANCELLED, "reading the page was cancelled");
		else
			code = pp_recognise(session, raster, &quads->items[i], squeeze, line, err);
		if (code == ERR_OK && has_text(session, line))
			lines.count++;
		else if (code == ERR_OK)
			pp_line_done(line);
	}
	if (code == ERR_OK)
		*ret = lines;
	else
		pp_lines_done(&lines);
	return code;
}

float pp_line_quality(const struct pp_line *line)
{
	float width = pp_quad_width(&line->quad), reach = REACH * pp_quad_height(&line->quad);
	float covered = 0, end = 0;

	if (!line->count || width <= 0)
		return 0;
	for (size_t i = 0; i < line->count; i++) {
		float at = line->chars[i].at * width;
		float from = fmaxf(at - reach, end), to = fminf(at + reach, width);
		covered += fmaxf(to - from, 0);
		end = fmaxf(end, to);
	}
	return line->confidence * covered / width;
}

bool pp_mostly_vertical(const struct pp_quads *quads)
{
	float level = 0, vertical = 0;
	for (size_t i = 0; i < quads->count; i++) {
		float w = pp_quad_width(&quads->items[i]), h = pp_quad_height(&quads->items[i]);
		level += w > LONG_RATIO * h ? w : 0;
		vertical += h > LONG_RATIO * w ? h : 0;
	}
	return vertical > level;
}

/* The longest lines, longest first. */
static size_t pick_longest(const struct pp_quads *quads, size_t ret[PROBE_LINES])
{
	size_t n = 0;
	for (size_t i = 0; i < quads->count; i++) {
		float width = pp_quad_width(&quads->items[i]);
		size_t at = n < PROBE_LINES ? n++ : PROBE_LINES - 1;
		if (at == PROBE_LINES - 1 && n == PROBE_LINES && i >= PROBE_LINES &&
		    pp_quad_width(&quads->items[ret[at]]) >= width)
			continue;
		for (; at > 0 && pp_quad_width(&quads->items[ret[at - 1]]) < width; at--)
			ret[at] = ret[at - 1];
		ret[at] = i;
	}
	return n;
}

/* The first part of a line, or of the same line upside down. */
static struct pp_quad probe_quad(const struct pp_quad *quad, bool upside_down)
{
	const struct pp_point *p = quad->corner;
	struct pp_quad q = *quad;
	if (upside_down)
		q = (struct pp_quad){ { p[2], p[3], p[0], p[1] } };
	float u = fminf(PROBE_RATIO * pp_quad_height(&q) / fmaxf(pp_quad_width(&q), 1), 1);
	return (struct pp_quad){ { q.corner[0], pp_quad_at(&q, u, 0), pp_quad_at(&q, u, 1), q.corner[3] } };
}

static int compare_floats(const void *a, const void *b)
{
	const float *p = a, *q = b;
	return (*p > *q) - (*p < *q);
}

enum err_code pp_probe(struct pp_session *session, const struct ocr_raster *raster, const struct ocr_run *run,
		       const struct pp_quads *quads, bool upside_down, struct pp_probe *ret, struct err *err)
{
	size_t longest[PROBE_LINES];
	size_t n = pick_longest(quads, longest);
	float steps[PROBE_LINES], sum = 0, weight = 0;

	for (size_t i = 0; i < n; i++) {
		struct pp_quad quad = probe_quad(&quads->items[longest[i]], upside_down);
		struct pp_line line;
		if (ocr_run_aborted(run))
			return err_set(err, ERR_CANCELLED, "reading the page was cancelled");
		enum err_code code = pp_recognise(session, raster, &quad, 1, &line, err);
		if (code != ERR_OK)
			return code;
		float ratio = pp_quad_width(&quad) / fmaxf(pp_quad_height(&quad), 1);
		sum += ratio * pp_line_quality(&line);
		weight += ratio;
		steps[i] = line.steps;
		pp_line_done(&line);
	}
	qsort(steps, n, sizeof(*steps), compare_floats);
	*ret = (struct pp_probe){ weight > 0 ? sum / weight : 0, n ? pp_squeeze_for(steps[n / 2]) : 1 };
	return ERR_OK;
}
