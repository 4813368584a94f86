/*
 * tiro models list and verify: what is known and what is here, as a table or JSON.
 */
#include "cli/cmd_models.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/say.h"
#include "models/manifest.h"

/* A thousand files of half a KiB each, four times over. */
enum { JSON_MAX = 2 * 1024 * 1024 };

int models_report(const struct err *err)
{
	cli_error(NULL, err);
	return err_exit_status(err->code);
}

/* -- list ---------------------------------------------------------------------------------------- */

static const char *origin_of(const struct model_info *info)
{
	bool cited = false, measured = false;
	for (size_t i = 0; i < MODEL_SOURCES_MAX && info->sources[i]; i++) {
		if (info->sources[i]->origin == HASH_CITED)
			cited = true;
		else
			measured = true;
	}
	if (cited && measured)
		return "cited, measured";
	return cited ? "cited" : "measured";
}

static void print_table(const struct model_entry *entries, size_t count)
{
	(void)printf("%-14s %10s  %-10s  %-9s  %-15s  %s\n", "NAME", "SIZE", "LICENCE", "INSTALLED", "HASH", "WHAT");
	for (size_t i = 0; i < count; i++) {
		const struct model_entry *e = &entries[i];
		const struct model_info *info = e->info;
		cleanup_strbuf struct strbuf file = STRBUF_INIT(4 * sizeof e->file);
		say_plain(&file, e->file);
		(void)printf("%-14s %7.1f MB  %-10s  %-9s  %-15s  %s\n", info ? info->name : strbuf_str(&file),
			     megabytes(e->size_bytes), info ? info->licence : "-", e->installed ? "yes" : "no",
			     info ? origin_of(info) : "-", info ? info->about : "imported");
	}
}

static void add_source(struct json *j, const struct model_source *source)
{
	json_object(j);
	if (source->url)
		json_key_str(j, "url", source->url);
	else {
		json_key(j, "packages");
		json_array(j);
		for (size_t i = 0; i < SOURCE_WHEELS_MAX && source->wheels[i].requirement; i++)
			json_str(j, source->wheels[i].requirement);
		json_array_end(j);
	}
	json_key_str(j, "sha256", source->sha256);
	json_key_str(j, "hash_origin", source->origin == HASH_CITED ? "cited" : "measured");
	if (source->evidence)
		json_key_str(j, "hash_evidence", source->evidence);
	json_object_end(j);
}

static void add_entry(struct json *j, const struct model_entry *e)
{
	json_object(j);
	json_key_str(j, "name", e->info ? e->info->name : e->file);
	json_key_str(j, "file", e->file);
	json_key_bool(j, "installed", e->installed);
	json_key_int(j, "size_bytes", (int64_t)e->size_bytes);
	if (e->info) {
		json_key_str(j, "kind", models_kind_name(e->info->kind));
		json_key_str(j, "licence", e->info->licence);
		json_key_str(j, "about", e->info->about);
		json_key(j, "sources");
		json_array(j);
		for (size_t i = 0; i < MODEL_SOURCES_MAX && e->info->sources[i]; i++)
			add_source(j, e->info->sources[i]);
		json_array_end(j);
	}
	json_object_end(j);
}

static int print_json(const struct strbuf *out)
{
	struct err err;
	if (strbuf_check(out, "the list", &err))
		return models_report(&err);
	(void)printf("%s\n", strbuf_str(out));
	return EX_OK;
}

static int list_json(const struct models *m, const struct model_entry *entries, size_t count)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT(JSON_MAX);
	struct json j = JSON_INIT(&out);
	json_object(&j);
	json_key_str(&j, "folder", models_dir(m));
	json_key(&j, "models");
	json_array(&j);
	for (size_t i = 0; i < count; i++)
		add_entry(&j, &entries[i]);
	json_array_end(&j);
	json_object_end(&j);
	return print_json(&out);
}

int models_show_list(const struct models *m, const struct models_options *o)
{
	cleanup_free struct model_entry *entries = NULL;
	size_t count;
	struct err err;
	if (models_list(m, &entries, &count, &err))
		return models_report(&err);
	if (o->json)
		return list_json(m, entries, count);
	print_table(entries, count);
	return EX_OK;
}

/* -- verify -------------------------------------------------------------------------------------- */

static const char *state_name(enum model_state state)
{
	switch (state) {
	case MODEL_OK:
		return "ok";
	case MODEL_BAD:
		return "bad";
	case MODEL_UNKNOWN:
	default:
		return "unknown";
	}
}

static void print_check(const struct model_entry *e, const struct model_check *check)
{
	const char *detail = check->reason;
	if (check->source)
		detail = check->source->origin == HASH_CITED ? "the hash that its publisher gives"
							     : "the hash that we measured";
	cleanup_strbuf struct strbuf file = STRBUF_INIT(4 * sizeof e->file);
	say_plain(&file, e->file);
	(void)printf("%-8s %-30s %s\n", state_name(check->state), strbuf_str(&file), detail);
}

static void add_check(struct json *j, const struct model_entry *e, const struct model_check *check)
{
	json_object(j);
	json_key_str(j, "file", e->file);
	json_key_str(j, "state", state_name(check->state));
	json_key_str(j, "sha256", check->sha256);
	if (check->reason[0])
		json_key_str(j, "reason", check->reason);
	json_object_end(j);
}

/* Checks the installed entries; the status is the worst of them. */
static int verify_entries(const struct models *m, const struct model_entry *entries, size_t count, struct json *j)
{
	int status = EX_OK;
	for (size_t i = 0; i < count; i++) {
		struct model_check check;
		struct err err;
		if (!entries[i].installed)
			continue;
		if (models_verify(m, &entries[i], &check, &err)) {
			status = models_report(&err);
			continue;
		}
		if (check.state == MODEL_BAD)
			status = EX_DATAERR;
		if (j)
			add_check(j, &entries[i], &check);
		else
			print_check(&entries[i], &check);
	}
	return status;
}

/* Moves the entries that the words name to the front; a word that names nothing installed is an error. */
static enum err_code narrow(const struct models *m, const struct models_options *o, struct model_entry *entries,
			    size_t *count, struct err *err)
{
	size_t kept = 0;
	for (size_t w = 0; w < o->word_count; w++) {
		char path[PATH_MAX];
		enum err_code code = models_path(m, o->words[w], path, err);
		if (code)
			return code;
		size_t i = kept;
		while (i < *count && strcmp(entries[i].file, strrchr(path, '/') ? strrchr(path, '/') + 1 : path) != 0)
			i++;
		if (i == *count)
			continue; /* named twice */
		struct model_entry swapped = entries[i];
		entries[i] = entries[kept];
		entries[kept++] = swapped;
	}
	*count = kept;
	return ERR_OK;
}

int models_show_verify(const struct models *m, const struct models_options *o)
{
	cleanup_free struct model_entry *entries = NULL;
	cleanup_strbuf struct strbuf out = STRBUF_INIT(JSON_MAX);
	struct json j = JSON_INIT(&out);
	size_t count;
	struct err err;
	if (models_list(m, &entries, &count, &err) || (o->word_count > 0 && narrow(m, o, entries, &count, &err)))
		return models_report(&err);
	if (!o->json)
		return verify_entries(m, entries, count, NULL);
	json_array(&j);
	int status = verify_entries(m, entries, count, &j);
	json_array_end(&j);
	int printed = print_json(&out);
	return printed == EX_OK ? status : printed;
}
