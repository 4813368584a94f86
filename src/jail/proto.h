/*
 * The messages between a node and a jail, over process/channel.h. For each message with fields one function packs
 * and one unpacks; unpacking treats the bytes as untrusted and checks every field against the limits, so that
 * what it lets through can be used as it is. Descriptors are named beside the message; the receiver checks
 * that they are there, sealed and of the right size.
 *
 * Thread-safe: no state.
 */
#ifndef TIRO_JAIL_PROTO_H
#define TIRO_JAIL_PROTO_H

#include <stdbool.h>
#include <stdint.h>

#include "asr/cutter.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/strbuf.h"
#include "jail/jail.h"
#include "ocr/page.h"
#include "process/channel.h"

enum jail_message {
	/* -- node to jail ---------------------------------------------------------------------------- */

	JAIL_OPEN = 1, /* struct jail_open; the first message. Audio: fd = the speech detector's model file */
	JAIL_RANGE, /* tag = that of the JAIL_READ; the payload is the bytes, fewer only at the end of the file */
	JAIL_RANGE_FAILED, /* tag likewise; struct err. The file cannot be read any more */
	JAIL_CREDIT, /* no fields: one part more may be sent */
	JAIL_RENDER, /* u32 page: answered by JAIL_RASTER, JAIL_TEXT_PAGE or JAIL_PAGE_FAILED */
	JAIL_COMPOSE_PDF, /* no fields; fd = memfd with the overlay. Answered by JAIL_PDF or JAIL_FAILED */

	/* -- jail to node, any kind ------------------------------------------------------------------ */

	JAIL_READ = 32, /* struct jail_range; tag = any, unique among the requests in flight */
	JAIL_FAILED, /* struct err: the file cannot be read. The last message */

	/* -- audio ----------------------------------------------------------------------------------- */

	JAIL_AUDIO_INFO = 64, /* struct jail_audio_info; before any part */
	JAIL_PART, /* struct asr_part; fd = sealed memfd of sample_count int16 samples */
	JAIL_PROGRESS, /* i64 microseconds of audio decoded; never goes back */
	JAIL_AUDIO_END, /* i64 microseconds of audio decoded. The last message */

	/* -- pages ----------------------------------------------------------------------------------- */

	JAIL_DOCUMENT = 96, /* struct jail_document_info; after JAIL_OPEN, before anything else */
	JAIL_RASTER, /* u32 page, struct ocr_raster; fd = sealed memfd of height * stride bytes */
	JAIL_TEXT_PAGE, /* u32 page; fd = sealed memfd with ocr_page_pack's bytes */
	JAIL_PAGE_FAILED, /* u32 page, struct err; the other pages go on */
	JAIL_PDF, /* no fields; fd = sealed memfd with the file */
};

/* Requests for ranges that a jail may have in flight. Four cover the node's round trip through its loop. */
#define JAIL_READS_AHEAD 4
/* Requests for pages that a node sends ahead of the answers: the jail renders the next while we take this one. */
#define JAIL_RENDERS_AHEAD 2
/* Bytes of one packed page of real text: LIMIT_PAGE_TEXT and LIMIT_PAGE_WORDS words of under 64 bytes, with room. */
#define JAIL_TEXT_PAGE_BYTES ((size_t)16 * 1024 * 1024)

/* Samples of one part. */
#define JAIL_PART_SAMPLES ((uint32_t)LIMIT_PART_MAX_S * AUDIO_RATE)
/* Last sample of a recording. */
#define JAIL_LAST_SAMPLE (LIMIT_AUDIO_SECONDS * AUDIO_RATE)

enum jail_kind { JAIL_KIND_AUDIO, JAIL_KIND_PAGES };

struct jail_open {
	enum jail_kind kind;
	uint64_t size; /* of the file, bytes */
	uint32_t audio_track; /* audio: 0 the default one, else counted from 1 */
	uint32_t parts_ahead; /* audio: parts that may be sent before a JAIL_CREDIT, 1..JAIL_PARTS_AHEAD_MAX */
	bool is_probe; /* audio: only JAIL_AUDIO_INFO and JAIL_AUDIO_END are wanted; no fd comes */
	uint32_t pdf_dpi; /* pages: 0 for the default */
	bool ignore_text_layer; /* pages */
};

void jail_pack_open(struct strbuf *out, const struct jail_open *open);
enum err_code jail_unpack_open(const struct frame *frame, struct jail_open *ret, struct err *err) MUST_CHECK;

struct jail_range {
	uint64_t offset;
	uint32_t len; /* 1..LIMIT_RANGE_BYTES */
};

void jail_pack_range(struct strbuf *out, const struct jail_range *range);
/* `file_size` bounds the offset. */
enum err_code jail_unpack_range(const struct frame *frame, uint64_t file_size, struct jail_range *ret, struct err *err)
	MUST_CHECK;

/* An error as a value: the return value is only about the message. A claim of success is malformed; characters
 * that could change a terminal are taken out of the text. */
void jail_pack_error(struct strbuf *out, const struct err *value);
enum err_code jail_unpack_error(const struct frame *frame, struct err *ret_value, struct err *err) MUST_CHECK;

/* -- audio ----------------------------------------------------------------------------------------- */

void jail_pack_audio_info(struct strbuf *out, const struct jail_audio_info *info);
enum err_code jail_unpack_audio_info(const struct frame *frame, struct jail_audio_info *ret, struct err *err)
	MUST_CHECK;

/* All but the samples, which are NULL in what unpack returns. */
void jail_pack_part(struct strbuf *out, const struct asr_part *part);
enum err_code jail_unpack_part(const struct frame *frame, struct asr_part *ret, struct err *err) MUST_CHECK;

/* JAIL_PROGRESS and JAIL_AUDIO_END: 0 up to LIMIT_AUDIO_SECONDS. */
void jail_pack_time(struct strbuf *out, int64_t us);
enum err_code jail_unpack_time(const struct frame *frame, int64_t *ret_us, struct err *err) MUST_CHECK;

/* -- pages ----------------------------------------------------------------------------------------- */

void jail_pack_document(struct strbuf *out, const struct jail_document_info *info);
enum err_code jail_unpack_document(const struct frame *frame, struct jail_document_info *ret, struct err *err)
	MUST_CHECK;

/* JAIL_RENDER and JAIL_TEXT_PAGE. */
void jail_pack_page(struct strbuf *out, uint32_t page);
enum err_code jail_unpack_page(const struct frame *frame, uint32_t *ret_page, struct err *err) MUST_CHECK;

/* All but the pixels, which are NULL in what unpack returns. */
void jail_pack_raster(struct strbuf *out, uint32_t page, const struct ocr_raster *raster);
enum err_code jail_unpack_raster(const struct frame *frame, uint32_t *ret_page, struct ocr_raster *ret, struct err *err)
	MUST_CHECK;

void jail_pack_page_failed(struct strbuf *out, uint32_t page, const struct err *why);
enum err_code jail_unpack_page_failed(const struct frame *frame, uint32_t *ret_page, struct err *ret_why,
				      struct err *err) MUST_CHECK;

#endif
