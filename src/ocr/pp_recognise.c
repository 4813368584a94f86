#include "ocr/pp_recognise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ocr/pp_image.h"

/* The recogniser's input height, pixels, and the unit of its widths: one shape per unit keeps its plans few. */
enum { LINE_HEIGHT = 48, WIDTH_UNIT = 64 };
/* Widest piece that is read at once: a full line of small print on A4; its answer takes 15 MB. */
enum { PIECE_WIDTH = 2048 };
/* Longer pieces than this many make no line of text: 16 pages' width. */
enum { PIECES_MAX = 16 };
/* Taller than wide by this: the text runs from top to bottom, turned by a quarter. */
#define VERTICAL_RATIO 1.5f

void pp_line_done(struct pp_line *line)
{
	free(line->chars);
	*line = (struct pp_line){ 0 };
}

/* Text that runs down is turned counterclockwise, as the network was trained. */
static struct pp_quad reading_quad(const struct pp_quad *quad)
{
	const struct pp_point *p = quad->corner;
	if (pp_quad_height(quad) < VERTICAL_RATIO * pp_quad_width(quad))
		return *quad;
	return (struct pp_quad){ { p[1], p[2], p[3], p[0] } };
}

/* The part of the line between u0 and u1. */
static struct pp_quad quad_part(const struct pp_quad *quad, float u0, float u1)
{
	return (struct pp_quad){ { pp_quad_at(quad, u0, 0), pp_quad_at(quad, u1, 0), pp_quad_at(quad, u1, 1),
				   pp_quad_at(quad, u0, 1) } };
}

/* Reads the part [u0, u1) of the line, `width` network pixels wide, and appends its characters. */
static enum err_code read_piece(struct pp_session *session, const struct ocr_raster *raster, struct pp_line *line,
				const float u[2], struct err *err)
{
	struct pp_quad part = quad_part(&line->quad, u[0], u[1]);
	float ratio = pp_quad_width(&part) / fmaxf(pp_quad_height(&part), 1);
	uint32_t used = (uint32_t)fminf(fmaxf(ceilf(LINE_HEIGHT * ratio), 8), PIECE_WIDTH);
	struct pp_planes planes = { .height = LINE_HEIGHT, .width = (used + WIDTH_UNIT - 1) / WIDTH_UNIT * WIDTH_UNIT };
	struct pp_output output;

	enum err_code code = pp_input(session, PP_RECOGNISER, planes.height, planes.width, &planes.data, err);
	if (code != ERR_OK)
		return code;
	pp_image_sample(raster, &part, used, LINE_HEIGHT, 0, &planes);
	code = pp_run(session, PP_RECOGNISER, &output, err);
	if (code != ERR_OK)
		return code;
	struct pp_char *chars = realloc(line->chars, (line->count + output.rows) * sizeof(*chars));
	if (!chars)
		return err_set(err, ERR_NO_MEMORY, "no memory for a line of text");
	line->chars = chars;
	size_t count = pp_ctc_decode(output.data, output.rows, output.columns, chars + line->count);
	for (size_t i = line->count; i < line->count + count; i++) {
		float along = (chars[i].at + 0.5f) / (float)output.rows * (float)planes.width / (float)used;
		chars[i].at = u[0] + fminf(along, 1) * (u[1] - u[0]);
	}
	line->count += count;
	return ERR_OK;
}

static float mean_confidence(const struct pp_line *line)
{
	float sum = 0;
	for (size_t i = 0; i < line->count; i++)
		sum += line->chars[i].confidence;
	return line->count ? sum / (float)line->count : 0;
}

enum err_code pp_recognise(struct pp_session *session, const struct ocr_raster *raster, const struct pp_quad *quad,
			   struct pp_line *ret, struct err *err)
{
	struct pp_line line = { .quad = reading_quad(quad) };
	float height = fmaxf(pp_quad_height(&line.quad), 1);
	float width = pp_quad_width(&line.quad) * LINE_HEIGHT / height;
	int pieces = (int)fminf(fmaxf(ceilf(width / PIECE_WIDTH), 1), PIECES_MAX);
	enum err_code code = ERR_OK;

	for (int i = 0; i < pieces && code == ERR_OK; i++) {
		const float u[2] = { (float)i / (float)pieces, (float)(i + 1) / (float)pieces };
		code = read_piece(session, raster, &line, u, err);
	}
	if (code != ERR_OK) {
		pp_line_done(&line);
		return code;
	}
	line.confidence = mean_confidence(&line);
	*ret = line;
	return ERR_OK;
}
