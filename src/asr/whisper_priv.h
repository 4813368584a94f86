/*
 * What whisper.c (sessions and recognition) and whisper_model.c (the file) share.
 */
#ifndef TIRO_ASR_WHISPER_PRIV_H
#define TIRO_ASR_WHISPER_PRIV_H

#include "asr/engine.h"

/* At least as many languages as whisper.cpp knows. */
enum { ASR_WHISPER_LANGUAGES = 128 };

struct asr_model {
	struct whisper_context *context;
};

enum err_code asr_whisper_model_open(int fd, struct asr_model **ret, struct err *err) MUST_CHECK;
void asr_whisper_model_close(struct asr_model *model);

#endif
