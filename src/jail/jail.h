/*
 * A jail, seen from the node: one child process (tiro-jail-audio or tiro-jail-pages) that parses one foreign file
 * and can reach nothing else. It asks the node for ranges of the file; what it answers is untrusted and checked
 * here. See README.md for the messages and what the child is denied.
 *
 * Two programs, so that a page never waits for FFmpeg's eighty libraries to be linked, nor a recording for
 * poppler, and each holds only the decoders it needs.
 *
 * All calls and callbacks happen on the loop's thread. A callback may call jail_close.
 */
#ifndef TIRO_JAIL_JAIL_H
#define TIRO_JAIL_JAIL_H

#include <uv.h>

#include "asr/cutter.h"
#include "base/err.h"
#include "ocr/page.h"

struct jail;

/* -- where the bytes come from -------------------------------------------------------------------- */

/* One range that a jail waits for; owned by the jail until jail_read_done. */
struct jail_read {
	uint64_t offset;
	size_t len; /* at most LIMIT_RANGE_BYTES */
};

struct jail_source {
	uint64_t size; /* of the whole file */
	/* Fetches a range and ends with jail_read_done, at once or later (on the loop's thread). */
	void (*read)(void *ctx, struct jail_read *read);
	void *ctx;
};

/* Answers a range: `len` bytes (fewer than asked only at the end of the file), or an error. The jail may be
 * closed in the meantime; the call is then harmless. */
void jail_read_done(struct jail_read *read, const void *bytes, size_t len, const struct err *err);

/* -- what comes out -------------------------------------------------------------------------------- */

struct jail_audio_info {
	int64_t duration_us; /* what the container says, an estimate; -1 where it says nothing */
	int64_t start_us; /* offset of the first sample: the stream's start_time */
	int channels;
	int sample_rate;
	int audio_tracks;
	char codec[32];
};

struct jail_document_info {
	uint32_t pages;
	char kind[16]; /* "png", "jpeg", "tiff", "pdf", ... */
};

struct jail_events {
	/* Audio. on_part: `pcm_fd` is a sealed memfd of part->sample_count int16 samples (part->samples is NULL);
	 * take it with steal_fd. At most `parts_ahead` parts come before jail_part_taken is called. */
	void (*on_audio_info)(void *owner, const struct jail_audio_info *info);
	void (*on_part)(void *owner, const struct asr_part *part, int *pcm_fd);
	void (*on_progress)(void *owner, int64_t decoded_us);

	/* Pages. on_raster: `fd` is a sealed memfd of raster->height * raster->stride bytes (pixels is NULL).
	 * on_text_page: the page had real text; taken from the text layer. `text` is lent: the owner may take it over
	 * by copying the struct and zeroing the original. */
	void (*on_document)(void *owner, const struct jail_document_info *info);
	void (*on_raster)(void *owner, uint32_t page, const struct ocr_raster *raster, int *fd);
	void (*on_text_page)(void *owner, uint32_t page, struct ocr_page *text);
	/* One page failed; the others go on. */
	void (*on_page_failed)(void *owner, uint32_t page, const struct err *why);
	/* The searchable PDF that jail_compose_pdf asked for, a sealed memfd; take it with steal_fd. */
	void (*on_pdf)(void *owner, int *fd, uint64_t size);

	/* The last callback, unless jail_close came first (which must follow in any case): the recording is at its end
	 * (why->code is ERR_OK), or the file could not be read (why says so in words for the user, without the file's
	 * name). For documents only failures end the jail; it waits for requests until it is closed. `duration_us` of
	 * decoded audio, else 0. */
	void (*on_end)(void *owner, int64_t duration_us, const struct err *why);
};

/* Parts that wait to be taken: as a rule, and at most. The second keeps 64 cores busy; a part has up to 940 KiB. */
enum { JAIL_PARTS_AHEAD = 4, JAIL_PARTS_AHEAD_MAX = 64 };

/* Which channels become one voice. Step 7 tells voices apart by channel; today they are mixed. */
struct jail_audio_options {
	bool is_probe; /* how long it is, and no parts: on_audio_info, then on_end with an estimate; vad_fd is not used
			*/
	int vad_fd; /* the speech detector's model file, opened by the caller and kept by it */
	uint32_t audio_track; /* counted from 1; 0: the one marked as default, else the first */
	uint32_t parts_ahead; /* parts that may wait to be taken, at most JAIL_PARTS_AHEAD_MAX; 0: JAIL_PARTS_AHEAD */
};

/* Starts a jail over a recording. `source` is copied, its context borrowed until jail_close or on_end.
 * Errors: ERR_UNAVAILABLE, ERR_SYSTEM, ERR_NO_MEMORY. */
enum err_code jail_open_audio(uv_loop_t *loop, const struct jail_source *source,
			      const struct jail_audio_options *options, const struct jail_events *events, void *owner,
			      struct jail **ret, struct err *err) MUST_CHECK;

/* The node is done with one part: the jail may send one more. */
void jail_part_taken(struct jail *jail);

struct jail_pages_options {
	uint32_t pdf_dpi; /* resolution of rendered PDF pages; 0: 300, less for huge pages */
	bool ignore_text_layer; /* --force: render pages that have real text too */
};

enum err_code jail_open_pages(uv_loop_t *loop, const struct jail_source *source,
			      const struct jail_pages_options *options, const struct jail_events *events, void *owner,
			      struct jail **ret, struct err *err) MUST_CHECK;

/* Asks for a page (from 0); on_raster, on_text_page or on_page_failed follows. Any number may be asked for; they
 * are served in the order of asking. */
enum err_code jail_render(struct jail *jail, uint32_t page, struct err *err) MUST_CHECK;

/*
 * Asks for the file as a searchable PDF: `overlay_fd` is a memfd with a PDF of ours that has one page of
 * invisible text for each page of the file (ocr/pdf.h); original pages and images are kept as they are.
 */
enum err_code jail_compose_pdf(struct jail *jail, int overlay_fd, struct err *err) MUST_CHECK;

/* Kills and frees; no callback follows. NULL is fine. */
void jail_close(struct jail *jail);

/* Process id for memory figures; 0 once it is gone. */
int jail_pid(const struct jail *jail);

#endif
