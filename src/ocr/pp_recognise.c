#include "ocr/pp_recognise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ocr/pp_image.h"

/* The recogniser's input height, pixels, and the unit of its widths: OpenVINO keeps 2 MB
 * for each shape that it has seen. */
enum { LINE_HEIGHT = 48, WIDTH_UNIT = 128 };
/* Widest piece that is read at once: a full line of small print on A4; its answer takes 15 MB. */
enum { PIECE_WIDTH = 2048 };
/* Longer pieces than this many make no line of text: 16 pages' width. */
enum { PIECES_MAX = 16 };
/* The network reads letters best at this many time steps each; measured, as are the bounds: fewer than 1.5 lose
 * letters, and Chinese characters, which have over 3, lose strokes when squeezed. */
#define STEPS_BEST 1.8f
#define STEPS_IDEOGRAPHS 3.3f
#define SQUEEZE_MIN 0.7f
/* Pixels per time step. */
#define STEP_PIXELS 8.0f
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

/* A part of the line: where it begins and ends along it, and how wide it is for the network. */
struct piece {
	float u0, u1;
	float width;
};

/* Reads the piece and appends its characters. */
static enum err_code read_piece(struct pp_session *session, const struct ocr_raster *raster, struct pp_line *line,
				const struct piece *piece, struct err *err)
{
	struct pp_quad part = quad_part(&line->quad, piece->u0, piece->u1);
	uint32_t used = (uint32_t)fminf(fmaxf(ceilf(piece->width), STEP_PIXELS), PIECE_WIDTH);
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
		chars[i].at = piece->u0 + fminf(along, 1) * (piece->u1 - piece->u0);
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

float pp_squeeze_for(float steps)
{
	if (steps <= 0 || steps > STEPS_IDEOGRAPHS)
		return 1;
	return fminf(fmaxf(STEPS_BEST / steps, SQUEEZE_MIN), 1);
}

enum err_code pp_recognise(struct pp_session *session, const struct ocr_raster *raster, const struct pp_quad *quad,
			   float squeeze, struct pp_line *ret, struct err *err)
{
	struct pp_line line = { .quad = reading_quad(quad) };
	float full_width = pp_quad_width(&line.quad) * LINE_HEIGHT / fmaxf(pp_quad_height(&line.quad), 1);
	float width = full_width * squeeze;
	int pieces = (int)fminf(fmaxf(ceilf(width / PIECE_WIDTH), 1), PIECES_MAX);
	enum err_code code = ERR_OK;

	for (int i = 0; i < pieces && code == ERR_OK; i++) {
		const struct piece piece = { (float)i / (float)pieces, (float)(i + 1) / (float)pieces,
					     width / (float)pieces };
		code = read_piece(session, raster, &line, &piece, err);
	}
	if (code != ERR_OK) {
		pp_line_done(&line);
		return code;
	}
	line.confidence = mean_confidence(&line);
	line.steps = line.count ? full_width / STEP_PIXELS / (float)line.count : 0;
	*ret = line;
	return ERR_OK;
}
