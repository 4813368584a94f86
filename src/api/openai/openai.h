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

/* Writes an answer's body; for is_stream the events that are left when the text `sent` was told already. In a pool:
 * hours of speech are a megabyte. Errors: ERR_NO_MEMORY, ERR_TOO_BIG. */
enum err_code openai_render(const struct openai_wish *wish, const struct asr_transcript *t, const char *sent,
			    struct strbuf *body, struct err *err) MUST_CHECK;

/* The event of a piece of text. */
void openai_render_delta(const char *text, struct strbuf *out);

/* -- streams (stream.c) ------------------------------------------------------------------------------- */

/*
 * The text of a job that is under way, told as it is recognised. Loop's thread; while the request is there.
 *
 * `on_idle` is called, perhaps from within the calls, when nothing is being read after openai_stream_finish.
 */
struct openai_stream;
enum err_code openai_stream_new(struct http_request *request, const struct uuid *job, void (*on_idle)(void *owner),
				void *owner, struct openai_stream **ret, struct err *err) MUST_CHECK;
/* Some part was recognised: what follows what was told is told. */
void openai_stream_more(struct openai_stream *stream);
/* Nothing more is to be read. */
void openai_stream_finish(struct openai_stream *stream);
/* What was told; borrowed. */
const char *openai_stream_sent(const struct openai_stream *stream);
/* Adds events, and ends the answer. */
void openai_stream_end(struct openai_stream *stream, const struct strbuf *events);
/* The answer has begun: an error can only be an event. */
bool openai_stream_has_begun(const struct openai_stream *stream);
/* In on_close. NULL is fine. */
void openai_stream_free(struct openai_stream *stream);

#endif
