/*
 * The dialect of OpenAI's audio API (/v1), as its official client libraries speak it: what its files share.
 *
 * The answer to an upload comes when its job has ended; the job is one like all others, in the same queue.
 */
#ifndef TIRO_API_OPENAI_OPENAI_H
#define TIRO_API_OPENAI_OPENAI_H

#include "api/call.h"
#include "asr/transcript.h"

/* -- handlers, by file ------------------------------------------------------------------------------- */

/* transcribe.c */
extern const struct http_handler openai_transcribe, openai_translate;
/* models.c */
extern const struct http_handler openai_models, openai_model;

/* -- shapes ------------------------------------------------------------------------------------------ */

/* The struct api_dialect's shape of errors. */
void openai_shape(const struct api_problem *problem, struct strbuf *body);

/* -- models (models.c) ------------------------------------------------------------------------------- */

/* True for a name that stands for the server's default model: those of OpenAI's own. */
bool openai_is_alias(const char *name);

/* -- answers (render.c) ------------------------------------------------------------------------------ */

#define OPENAI_FORMAT_TABLE(X)                                                                                         \
	X(OPENAI_JSON, "json", "application/json")                                                                     \
	X(OPENAI_TEXT, "text", "text/plain; charset=utf-8")                                                            \
	X(OPENAI_SRT, "srt", "application/x-subrip; charset=utf-8")                                                    \
	X(OPENAI_VERBOSE_JSON, "verbose_json", "application/json")                                                     \
	X(OPENAI_VTT, "vtt", "text/vtt; charset=utf-8")                                                                \
	X(OPENAI_DIARIZED_JSON, "diarized_json", "application/json")

enum openai_format {
#define X(symbol, name, type) symbol,
	OPENAI_FORMAT_TABLE(X)
#undef X
		OPENAI_FORMATS
};

/* OPENAI_FORMATS where there is no such format. */
enum openai_format openai_format_find(const char *name);
const char *openai_format_type(enum openai_format format);

/* What of a transcript is wanted, and how. */
struct openai_wish {
	enum openai_format format;
	bool words, segments; /* of verbose_json */
	bool is_translation; /* into English */
	bool is_stream; /* as events */
};

/* Writes an answer's body: for is_stream all events. In a pool: hours of speech are a megabyte. Errors: ERR_NO_MEMORY,
 * ERR_TOO_BIG. */
enum err_code openai_render(const struct openai_wish *wish, const struct asr_transcript *t, struct strbuf *body,
			    struct err *err) MUST_CHECK;

#endif
