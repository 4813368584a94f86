/* What a client may say beside the file: language, model, priority, diarize; as fields of the form or of the query. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/service/upload.h"
#include "asr/engine.h"
#include "base/cleanup.h"
#include "models/models.h"

enum { BAD_REQUEST = 400, PRIORITY_MAX = 10 };

enum err_code upload_form_wrong(struct upload_form *form, const char *field, const char *reason, struct err *err)
{
	(void)snprintf(form->message, sizeof form->message, "%s %s", field, reason);
	form->fault = (struct api_fault){ field, form->message + strlen(field) + 1 };
	form->problem = (struct api_problem){
		.status = BAD_REQUEST, .message = form->message, .faults = &form->fault, .fault_count = 1
	};
	return err_set(err, ERR_INVALID, "%s", form->message);
}

static enum err_code take_language(struct upload_form *form, const char *value, struct err *err)
{
	if (value[0] == '\0' || strcmp(value, "auto") == 0) {
		form->job.language[0] = '\0';
		return ERR_OK;
	}
	if (asr_language_code(value, form->job.language))
		return ERR_OK;
	return upload_form_wrong(form, "language", "must be a language's code (\"de\"), its name, or \"auto\"", err);
}

/* Names that mean the same model: an alias and its name in the manifest. */
static const char *canonical(const char *name)
{
	const struct model_info *info = models_find(name);
	return info ? info->name : name;
}

/* The engine has one model; another would have to be loaded first. */
static enum err_code take_model(struct upload_form *form, const char *value, struct err *err)
{
	char reason[160];
	const char *loaded = form->api->model;
	if (value[0] == '\0' || strcmp(value, "default") == 0) {
		form->job.model[0] = '\0';
		return ERR_OK;
	}
	if (strcmp(canonical(value), canonical(loaded)) == 0) {
		(void)snprintf(form->job.model, sizeof form->job.model, "%s", canonical(value));
		return ERR_OK;
	}
	(void)snprintf(reason, sizeof reason, "is not installed on this server; there is \"%.63s\"", loaded);
	return upload_form_wrong(form, "model", reason, err);
}

static enum err_code take_priority(struct upload_form *form, const char *value, struct err *err)
{
	int64_t priority;
	if (!api_parse_int(value, -PRIORITY_MAX, PRIORITY_MAX, &priority))
		return upload_form_wrong(form, "priority", "must be a whole number from -10 to 10", err);
	form->job.priority = (int)priority;
	return ERR_OK;
}

static enum err_code take_diarize(struct upload_form *form, const char *value, struct err *err)
{
	static const char *const words[] = { "true", "1", "yes", "on", "false", "0", "no", "off" };
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(words[i], value) == 0) {
			form->job.diarize = i < ARRAY_LEN(words) / 2;
			return ERR_OK;
		}
	}
	return upload_form_wrong(form, "diarize", "must be true or false", err);
}

static const struct {
	const char *name;
	enum err_code (*take)(struct upload_form *form, const char *value, struct err *err);
} options[] = {
	{ "language", take_language },
	{ "model", take_model },
	{ "priority", take_priority },
	{ "diarize", take_diarize },
};

bool upload_form_has_option(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (strcmp(options[i].name, name) == 0)
			return true;
	}
	return false;
}

enum err_code upload_form_option(struct upload_form *form, const char *name, const char *value, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (strcmp(options[i].name, name) == 0)
			return options[i].take(form, value, err);
	}
	return ERR_OK;
}

enum err_code upload_form_query(struct upload_form *form, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const char *value = http_request_query(form->request, options[i].name);
		if (value && options[i].take(form, value, err) != ERR_OK)
			return err->code;
	}
	return ERR_OK;
}
