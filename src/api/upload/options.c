/* What a client may say beside the file. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/input.h"
#include "api/upload/upload_priv.h"
#include "asr/engine.h"
#include "base/cleanup.h"
#include "models/models.h"

enum { PRIORITY_MAX = 10 };

enum err_code api_upload_language(struct api_upload *upload, const char *value, struct err *err)
{
	if (value[0] == '\0' || strcmp(value, "auto") == 0) {
		upload->job.language[0] = '\0';
		return ERR_OK;
	}
	if (asr_language_code(value, upload->job.language))
		return ERR_OK;
	return api_upload_wrong(upload, "language", "must be a language's code (\"de\"), its name, or \"auto\"", err);
}

/* Names that mean the same model: an alias and its name in the manifest. */
static const char *canonical(const char *name)
{
	const struct model_info *info = models_find(name);
	return info ? info->name : name;
}

/* The engine has one model; another would have to be loaded first. */
enum err_code api_upload_model(struct api_upload *upload, const char *value, struct err *err)
{
	char reason[160];
	const char *loaded = upload->api->model;
	if (value[0] == '\0' || strcmp(value, "default") == 0) {
		upload->job.model[0] = '\0';
		return ERR_OK;
	}
	if (strcmp(canonical(value), canonical(loaded)) == 0) {
		(void)snprintf(upload->job.model, sizeof upload->job.model, "%s", canonical(value));
		return ERR_OK;
	}
	(void)snprintf(reason, sizeof reason, "is not installed on this server; there is \"%.63s\"", loaded);
	return api_upload_wrong(upload, "model", reason, err);
}

enum err_code api_upload_priority(struct api_upload *upload, const char *value, struct err *err)
{
	int64_t priority;
	if (!api_parse_int(value, -PRIORITY_MAX, PRIORITY_MAX, &priority))
		return api_upload_wrong(upload, "priority", "must be a whole number from -10 to 10", err);
	upload->job.priority = (int)priority;
	return ERR_OK;
}

enum err_code api_upload_diarize(struct api_upload *upload, const char *value, struct err *err)
{
	static const char *const words[] = { "true", "1", "yes", "on", "false", "0", "no", "off" };
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(words[i], value) == 0) {
			upload->job.diarize = i < ARRAY_LEN(words) / 2;
			return ERR_OK;
		}
	}
	return api_upload_wrong(upload, "diarize", "must be true or false", err);
}

const struct api_upload_option *api_upload_find_option(const struct api_upload *upload, const char *name)
{
	for (size_t i = 0; i < upload->kind->option_count; i++) {
		if (strcmp(upload->kind->options[i].name, name) == 0)
			return &upload->kind->options[i];
	}
	return NULL;
}

enum err_code api_upload_take_query(struct api_upload *upload, struct err *err)
{
	for (size_t i = 0; i < upload->kind->option_count; i++) {
		const struct api_upload_option *option = &upload->kind->options[i];
		const char *value = http_request_query(upload->request, option->name);
		if (value && option->take(upload, value, err) != ERR_OK)
			return err->code;
	}
	return ERR_OK;
}
