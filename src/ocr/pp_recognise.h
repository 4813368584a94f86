/*
 * What the lines say: each line's rectangle is cut out, levelled, scaled to the recogniser's height and read.
 */
#ifndef TIRO_OCR_PP_RECOGNISE_H
#define TIRO_OCR_PP_RECOGNISE_H

#include "ocr/pp_ctc.h"
#include "ocr/pp_geometry.h"
#include "ocr/pp_model.h"

/* One read line. */
struct pp_line {
	struct pp_quad quad; /* raster pixels; vertical text: turned so that it reads from left to right */
	struct pp_char *chars; /* owned; `at` is 0..1 along the quad's top side */
	size_t count;
	float confidence; /* mean of its characters, 0 for none */
	float steps; /* time steps per character at full width, 0 where there are none */
};

/*
 * How much narrower than it is a line may be read for `steps` time steps per character (a median of lines): saves
 * time, and letters that are not spread out are read better. 0.7..1.
 */
float pp_squeeze_for(float steps);

void pp_line_done(struct pp_line *line);

/*
 * Reads the line in `quad`, its width scaled by `squeeze`; a line without text is no error: count is 0. *ret is set by
 * the call, the caller releases it. Lines of any length are read in pieces where needed. Errors: ERR_UNAVAILABLE,
 * ERR_NO_MEMORY.
 */
enum err_code pp_recognise(struct pp_session *session, const struct ocr_raster *raster, const struct pp_quad *quad,
			   float squeeze, struct pp_line *ret, struct err *err) MUST_CHECK;

#endif
