/*
 * A reader of page images: a model (its data, shared) and sessions that use it, one per thread.
 *
 * Back ends: the real one (ocr/reader.c: preparation, orientation, language, tesseract, PP-OCR, selection) and a
 * fake for tests (ocr/fake.c). Nothing of tesseract, leptonica or OpenVINO shows here.
 */
#ifndef TIRO_OCR_ENGINE_H
#define TIRO_OCR_ENGINE_H

#include "ocr/page.h"

enum ocr_mode { OCR_FAST, OCR_HIGH_ACCURACY };

/* Languages in one hint: "de", "ru+en". */
enum { OCR_HINT_SIZE = 64 };

struct ocr_options {
	enum ocr_mode mode;
	char language[OCR_HINT_SIZE]; /* ISO 639-1 codes joined by '+', or "" to find out */
	bool keep_orientation; /* do not look for turned pages */
};

typedef bool ocr_abort_fn(void *ctx);

/* Where the data lies; all strings are borrowed during the call. */
struct ocr_model_spec {
	const char *tessdata; /* folder with *.traineddata; NULL: the system's */
	const char *detector; /* PP-OCR's ONNX files; NULL where not installed: */
	const char *recogniser; /* OCR_HIGH_ACCURACY then is ERR_UNAVAILABLE and says what to do */
	const char *openvino; /* folder of libopenvino_c.so; NULL: where the loader finds it */
};

struct ocr_model;
struct ocr_session;

struct ocr_engine_ops {
	const char *name;
	enum err_code (*model_open)(const struct ocr_model_spec *spec, struct ocr_model **ret, struct err *err);
	void (*model_close)(struct ocr_model *model); /* after its sessions; NULL is fine */
	enum err_code (*session_open)(struct ocr_model *model, struct ocr_session **ret, struct err *err);
	void (*session_close)(struct ocr_session *session);
	/*
	 * Reads one page. *ret is initialised by the call, the caller releases it; empty on failure. A blank page
	 * is no error: no words.
	 * Errors: ERR_CANCELLED, ERR_INVALID (a language that is not installed; the message lists those that
	 * are), ERR_UNAVAILABLE, ERR_NO_MEMORY.
	 */
	enum err_code (*read)(struct ocr_session *session, const struct ocr_raster *raster,
			      const struct ocr_options *options, ocr_abort_fn *abort, void *abort_ctx,
			      struct ocr_page *ret, struct err *err);
};

extern const struct ocr_engine_ops ocr_reader_engine;
extern const struct ocr_engine_ops ocr_fake_engine;

#endif
