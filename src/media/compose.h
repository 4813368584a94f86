/*
 * Lays the pages of one PDF over those of another with libqpdf (C++ behind this header).
 */
#ifndef TIRO_MEDIA_COMPOSE_H
#define TIRO_MEDIA_COMPOSE_H

#include "media/document.h"

/* All borrowed. Both files must have the same number of pages. */
struct compose_job {
	const void *base;
	size_t base_len;
	const void *overlay;
	size_t overlay_len;
	const struct media_sink *sink;
};

/* Errors: ERR_BAD_MEDIA where qpdf cannot work with the file, ERR_NO_MEMORY, and the sink's. */
enum err_code media_compose(const struct compose_job *job, struct err *err) MUST_CHECK;

#endif
