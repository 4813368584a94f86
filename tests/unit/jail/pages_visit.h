/*
 * A visit to the pages jail, for tests: the real program over one file, run to its end on a loop of its own, and what
 * it said. Failures of the jail's own making fail the test.
 */
#ifndef TIRO_TESTS_PAGES_VISIT_H
#define TIRO_TESTS_PAGES_VISIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/io.h"
#include "base/strbuf.h"
#include "jail/jail.h"

enum { PAGES_MAX = 8 };

/* One file and what its jail said. */
struct visit {
	uv_loop_t loop;
	struct jail *jail;
	struct strbuf file;
	uint32_t ask; /* pages to ask for, at most what the document has */
	int overlay_fd; /* asked for once all pages came; -1: not at all */
	uint32_t answered;
	struct jail_document_info document;
	struct ocr_raster rasters[PAGES_MAX];
	struct io_map pixels[PAGES_MAX];
	struct strbuf text; /* of text pages, as paragraphs */
	uint32_t text_pages;
	struct io_map pdf;
	struct err page_error;
	struct err end; /* why the jail ended; ERR_OK where it did not */
};

void visit_init(struct visit *v);
void visit_done(struct visit *v);

/* Appends a file of make_samples; false where a font was missing and it does not exist. */
bool visit_load(struct strbuf *out, const char *name);

/* Asks for all pages (at most PAGES_MAX) of v->file, then for the PDF where an overlay is set. */
void visit_run(struct visit *v, bool ignore_text_layer);

#endif
