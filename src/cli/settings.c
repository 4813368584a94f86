#include "cli/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "cli/settings_priv.h"

enum {
	FILE_MAX = 256 * 1024,
	/* The longest secret that a file may hold: a certificate service's tokens have 4 KiB. */
	SECRET_MAX = 16 * 1024,
	PLACE_MAX = PATH_MAX + 64
};

static const char system_file[] = "/etc/tiro/tiro.conf";

struct settings_loaded {
	struct settings settings;
	enum setting_origin origins[SETTINGS_MAX];
	char *file; /* NULL: none */
};

const struct settings *settings_of(const struct settings_loaded *loaded)
{
	return &loaded->settings;
}

enum setting_origin settings_origin(const struct settings_loaded *loaded, size_t index)
{
	return loaded->origins[index];
}

const char *settings_file(const struct settings_loaded *loaded)
{
	return loaded->file;
}

void settings_free(struct settings_loaded *loaded)
{
	if (!loaded)
		return;
	for (size_t i = 0; i < settings_count; i++)
		setting_clear(&loaded->settings, &settings_table[i]);
	free(loaded->file);
	free(loaded);
}

/* -- options --------------------------------------------------------------------------------------- */

static const char *value_name(const struct setting *setting)
{
	static const char *const names[] = {
		[SETTING_TEXT] = "TEXT", [SETTING_CHOICE] = "WORD", [SETTING_SECRET] = "FILE", [SETTING_INT] = "N",
		[SETTING_SIZE] = "SIZE", [SETTING_TIME] = "TIME",   [SETTING_BOOL] = "yes|no"
	};
	return setting->value ? setting->value : names[setting->type];
}

size_t settings_opts(struct settings_input *input, unsigned users, struct opt *ret)
{
	size_t count = 0;
	ret[count++] = (struct opt){ .name = "config",
				     .value = "FILE",
				     .help = "configuration file [TIRO_CONFIG]",
				     .type = OPT_STRING,
				     .target = &input->config };
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *setting = &settings_table[i];
		const char *name = setting->name;
		if ((setting->users & users) == 0 || setting->is_whole)
			continue;
		if (setting->type == SETTING_SECRET) {
			(void)snprintf(input->file_names[i], SETTING_NAME_MAX, "%s-file", name);
			name = input->file_names[i];
		}
		ret[count++] = (struct opt){ .name = name,
					     .value = value_name(setting),
					     .help = setting->help_env,
					     .type = OPT_STRING,
					     .target = &input->flags[i] };
	}
	return count;
}

/* -- sources --------------------------------------------------------------------------------------- */

static enum err_code take(struct settings_loaded *loaded, size_t index, const char *text,
			  const struct setting_place *place, struct err *err)
{
	enum err_code code = setting_set(&loaded->settings, &settings_table[index], text, place, err);
	if (!code)
		loaded->origins[index] = place->origin;
	return code;
}

/* A secret in a file: all of it, but for the end of its last line. */
static enum err_code take_file(struct settings_loaded *loaded, size_t index, const char *path,
			       const struct setting_place *place, struct err *err)
{
	char *text = secret_alloc(SECRET_MAX + 1);
	if (!text)
		return err_set(err, ERR_NO_MEMORY, "no memory for the settings");
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd >= 0 ? read(fd, text, SECRET_MAX) : -1;
	enum err_code code = ERR_OK;
	if (len < 0)
		code = err_set_errno(err, ERR_IO, errno, "could not read \"%s\" of %s", path, place->name);
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		text[--len] = '\0';
	if (!code && (len == 0 || len == SECRET_MAX || strlen(text) != (size_t)len))
		code = err_set(err, ERR_CONFIG, "\"%s\" of %s holds no text of 1 to %d bytes", path, place->name,
			       SECRET_MAX - 1);
	if (!code)
		code = take(loaded, index, text, place, err);
	secret_free(text, SECRET_MAX + 1);
	return code;
}

static enum err_code take_defaults(struct settings_loaded *loaded, struct err *err)
{
	static const struct setting_place place = { ORIGIN_DEFAULT, "its default" };
	for (size_t i = 0; i < settings_count; i++) {
		const char *initial = settings_table[i].initial;
		enum err_code code = initial ? take(loaded, i, initial, &place, err) : ERR_OK;
		if (code)
			return code;
	}
	return ERR_OK;
}

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

/* NAME, or NAME_FILE for a secret; *ret_found tells whether one is there. */
static enum err_code take_variable(struct settings_loaded *loaded, size_t index, const char *name, bool *ret_found,
				   struct err *err)
{
	char file_name[SETTING_NAME_MAX + 16];
	const struct setting *setting = &settings_table[index];
	struct setting_place place = { ORIGIN_ENVIRONMENT, name };
	const char *text = variable(name), *path = NULL;
	(void)snprintf(file_name, sizeof file_name, "%s_FILE", name);
	if (setting->type == SETTING_SECRET && !setting->is_whole)
		path = variable(file_name);
	*ret_found = text || path;
	if (text && path)
		return err_set(err, ERR_CONFIG, "%s and %s are both set", name, file_name);
	if (text)
		return take(loaded, index, text, &place, err);
	place.name = file_name;
	return path ? take_file(loaded, index, path, &place, err) : ERR_OK;
}

static enum err_code take_environment(struct settings_loaded *loaded, struct err *err)
{
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *setting = &settings_table[i];
		bool found;
		enum err_code code = take_variable(loaded, i, setting->env, &found, err);
		if (!code && !found && setting->alias)
			code = take_variable(loaded, i, setting->alias, &found, err);
		if (code)
			return code;
	}
	return ERR_OK;
}

static enum err_code take_flags(struct settings_loaded *loaded, const struct settings_input *input, struct err *err)
{
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *setting = &settings_table[i];
		char name[SETTING_NAME_MAX + 8];
		struct setting_place place = { ORIGIN_FLAG, name };
		bool is_secret = setting->type == SETTING_SECRET;
		if (!input->flags[i])
			continue;
		(void)snprintf(name, sizeof name, "--%s%s", setting->name, is_secret ? "-file" : "");
		enum err_code code = is_secret ? take_file(loaded, i, input->flags[i], &place, err)
					       : take(loaded, i, input->flags[i], &place, err);
		if (code)
			return code;
	}
	return ERR_OK;
}

/* -- the configuration file -------------------------------------------------------------------------- */

struct file {
	const char *path;
	bool is_private; /* only its owner may read it */
};

/* The setting of that name in a file; for NAME-file of a secret *ret_is_file. settings_count: none. */
static size_t find_name(const char *name, bool *ret_is_file)
{
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *setting = &settings_table[i];
		size_t len = strlen(setting->name);
		*ret_is_file = false;
		if (strcmp(setting->name, name) == 0)
			return i;
		*ret_is_file = setting->type == SETTING_SECRET && !setting->is_whole;
		if (*ret_is_file && strncmp(setting->name, name, len) == 0 && strcmp(name + len, "-file") == 0)
			return i;
	}
	return settings_count;
}

static char *trim(char *text)
{
	text += strspn(text, " \t");
	size_t len = strlen(text);
	while (len > 0 && strchr(" \t\r", text[len - 1]))
		text[--len] = '\0';
	return text;
}

static enum err_code take_line(struct settings_loaded *loaded, const struct file *file, char *line, int number,
			       struct err *err)
{
	char where[PLACE_MAX];
	struct setting_place place = { ORIGIN_FILE, where };
	bool is_file;
	char *equals = strchr(line, '=');
	(void)snprintf(where, sizeof where, "%s, line %d", file->path, number);
	if (!equals)
		return err_set(err, ERR_CONFIG, "%s: a line is \"name = value\"", where);
	*equals = '\0';
	const char *name = trim(line), *value = trim(equals + 1);
	size_t index = find_name(name, &is_file);
	if (index == settings_count)
		return err_set(err, ERR_CONFIG, "%s: there is no setting \"%s\"; \"tiro config manual\" lists them",
			       where, name);
	if (settings_table[index].type == SETTING_SECRET && !is_file && !file->is_private)
		return err_set(err, ERR_CONFIG,
			       "%s: %s is secret, but others can read the file; give it mode 0600, or name a file in "
			       "%s-file",
			       where, name, name);
	if (*value == '\0')
		return ERR_OK;
	return is_file ? take_file(loaded, index, value, &place, err) : take(loaded, index, value, &place, err);
}

static enum err_code take_lines(struct settings_loaded *loaded, const struct file *file, char *text, struct err *err)
{
	int number = 1;
	for (char *line = text; line; number++) {
		char *end = strchr(line, '\n');
		if (end)
			*end = '\0';
		char *start = trim(line);
		enum err_code code = ERR_OK;
		if (*start && *start != '#')
			code = take_line(loaded, file, start, number, err);
		if (code)
			return code;
		line = end ? end + 1 : NULL;
	}
	return ERR_OK;
}

static enum err_code take_config(struct settings_loaded *loaded, const char *path, struct err *err)
{
	struct stat st;
	cleanup_strbuf struct strbuf text = STRBUF_INIT(FILE_MAX);
	if (stat(path, &st) != 0)
		return err_set_errno(err, ERR_IO, errno, "could not read the configuration \"%s\"", path);
	struct file file = { .path = path, .is_private = (st.st_mode & 077) == 0 };
	enum err_code code = io_read_file(path, &text, err);
	if (!code && text.len > 0 && memchr(text.data, '\0', text.len))
		code = err_set(err, ERR_CONFIG, "%s is no text", path);
	if (!code && text.len > 0)
		code = take_lines(loaded, &file, text.data, err);
	if (text.data)
		secret_wipe(text.data, text.len);
	if (code)
		return code;
	loaded->file = strdup(path);
	return loaded->file ? ERR_OK : err_set(err, ERR_NO_MEMORY, "no memory for the settings");
}

/* -- all of it -------------------------------------------------------------------------------------- */

/* The default of a folder, by the XDG base directory specification; not set where there is no home. */
static enum err_code default_folder(char **folder, const char *name, struct err *err)
{
	char path[PATH_MAX];
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	if (*folder)
		return ERR_OK;
	if (data && *data == '/')
		(void)snprintf(path, sizeof path, "%s/tiro/%s", data, name);
	else if (home && *home == '/')
		(void)snprintf(path, sizeof path, "%s/.local/share/tiro/%s", home, name);
	else
		return ERR_OK;
	*folder = strdup(path);
	return *folder ? ERR_OK : err_set(err, ERR_NO_MEMORY, "no memory for the settings");
}

static enum err_code find_folders(struct settings *s, struct err *err)
{
	enum err_code code = default_folder(&s->data, "data", err);
	if (!code)
		code = default_folder(&s->models, "models", err);
	if (!code && !s->data)
		code = err_set(err, ERR_CONFIG, "there is no data folder: set HOME, TIRO_DATA or --data");
	return code;
}

static enum err_code load(struct settings_loaded *loaded, const struct settings_input *input, struct err *err)
{
	const char *config = input->config ? input->config : variable("TIRO_CONFIG");
	if (!config && access(system_file, F_OK) == 0)
		config = system_file;
	enum err_code code = take_defaults(loaded, err);
	if (!code && config)
		code = take_config(loaded, config, err);
	if (!code)
		code = take_environment(loaded, err);
	if (!code)
		code = take_flags(loaded, input, err);
	if (!code)
		code = find_folders(&loaded->settings, err);
	return code ? code : settings_check(&loaded->settings, err);
}

enum err_code settings_load(const struct settings_input *input, struct settings_loaded **ret, struct err *err)
{
	struct settings_loaded *loaded = calloc(1, sizeof *loaded);
	if (!loaded)
		return err_set(err, ERR_NO_MEMORY, "no memory for the settings");
	enum err_code code = load(loaded, input, err);
	if (code) {
		settings_free(loaded);
		return code;
	}
	*ret = loaded;
	return ERR_OK;
}
