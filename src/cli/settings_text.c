/* What is made of the table of settings: a configuration file, the manual page, and names that nobody reads. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/say.h"
#include "cli/settings_priv.h"

static const struct {
	enum setting_group group;
	const char *title;
} groups[] = {
	{ SETTINGS_DATA, "Data" },	 { SETTINGS_SERVER, "Server" },	     { SETTINGS_DATABASE, "Database" },
	{ SETTINGS_STORAGE, "Storage" }, { SETTINGS_KEYS, "Master key" },    { SETTINGS_ACCOUNTS, "Accounts" },
	{ SETTINGS_LIMITS, "Limits" },	 { SETTINGS_MODELS, "Recognition" },
};

/* -- the configuration as it is ----------------------------------------------------------------------- */

static void print_secret(const struct settings_loaded *loaded, size_t index, struct strbuf *out)
{
	bool is_set = setting_is_set(settings_of(loaded), &settings_table[index]);
	strbuf_addf(out, "# %s is %s\n", settings_table[index].name, is_set ? "set, and not shown" : "not set");
}

static void print_setting(const struct settings_loaded *loaded, size_t index, struct strbuf *out)
{
	static const char *const origins[] = { [ORIGIN_DEFAULT] = "",
					       [ORIGIN_FILE] = "file",
					       [ORIGIN_ENVIRONMENT] = "environment",
					       [ORIGIN_FLAG] = "command line" };
	cleanup_strbuf struct strbuf value = STRBUF_INIT(SETTINGS_TEXT_MAX);
	enum setting_origin origin = settings_origin(loaded, index);
	const char *name = settings_table[index].name;
	if (origin != ORIGIN_DEFAULT)
		strbuf_addf(out, "# from the %s:\n", origins[origin]);
	if (settings_table[index].type == SETTING_SECRET) {
		print_secret(loaded, index, out);
	} else if (!settings_value_text(loaded, index, &value)) {
		strbuf_addf(out, "#%s =\n", name);
	} else {
		strbuf_addf(out, "%s%s = ", origin == ORIGIN_DEFAULT ? "#" : "", name);
		say_plain(out, strbuf_str(&value));
		strbuf_add_char(out, '\n');
	}
}

void settings_print(const struct settings_loaded *loaded, struct strbuf *out)
{
	strbuf_add_str(out, "# Settings of tiro; what begins with # is a default.");
	if (settings_file(loaded)) {
		strbuf_add_str(out, " The file read was ");
		say_plain(out, settings_file(loaded));
	}
	strbuf_add_char(out, '\n');
	for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
		strbuf_addf(out, "\n# -- %s\n", groups[g].title);
		for (size_t i = 0; i < settings_count; i++) {
			if (settings_table[i].group == groups[g].group)
				print_setting(loaded, i, out);
		}
	}
}

/* -- the manual page ---------------------------------------------------------------------------------- */

/* Text for troff: a hyphen that is one, no backslash, no request at a line's start. */
static void add_troff(struct strbuf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '-')
			strbuf_add_str(out, "\\-");
		else if (*text == '\\')
			strbuf_add_str(out, "\\e");
		else if (*text == '\'')
			strbuf_add_str(out, "\\(aq");
		else
			strbuf_add_char(out, *text);
	}
}

static void describe_names(struct strbuf *out, const struct setting *setting)
{
	bool has_file = setting->type == SETTING_SECRET && !setting->is_whole;
	strbuf_add_str(out, "Environment: \\fB");
	add_troff(out, setting->env);
	strbuf_addf(out, "\\fR%s", has_file ? " or \\fB" : "");
	if (has_file)
		strbuf_addf(out, "%s_FILE\\fR", setting->env);
	if (setting->alias && strcmp(setting->alias, setting->env) != 0)
		strbuf_addf(out, ", \\fB%s\\fR", setting->alias);
	if (has_file && setting->alias)
		strbuf_addf(out, " or \\fB%s_FILE\\fR", setting->alias);
	strbuf_add_str(out, ".\n");
}

static void describe(struct strbuf *out, const struct setting *setting)
{
	strbuf_add_str(out, ".TP\n\\fB");
	add_troff(out, setting->name);
	strbuf_add_str(out, "\\fR");
	if (setting->initial) {
		strbuf_add_str(out, " (");
		add_troff(out, setting->initial);
		strbuf_add_char(out, ')');
	}
	strbuf_add_char(out, '\n');
	add_troff(out, setting->help);
	if (setting->choices) {
		strbuf_add_str(out, "; one of ");
		add_troff(out, setting->choices);
	}
	strbuf_add_str(out, ".\n");
	describe_names(out, setting);
}

void settings_manual(struct strbuf *out)
{
	strbuf_add_str(out,
		       ".TH TIRO.CONF 5 \"\" \"tiro " TIRO_VERSION "\"\n.SH NAME\ntiro.conf \\- settings of tiro\n"
		       ".SH DESCRIPTION\nA value comes from the command line (\\fB\\-\\-name\\fR), else the "
		       "environment, else the configuration file (\\fB\\-\\-config\\fR, \\fBTIRO_CONFIG\\fR, or "
		       "\\fI/etc/tiro/tiro.conf\\fR), else its default, which stands in brackets below.\n.PP\nThe "
		       "file has lines \\fBname = value\\fR, and comments from a # at a line\\(aqs start. Sizes are "
		       "like 64M or 2G, times like 90s, 15m, 24h or 30d.\n.PP\nA secret is never an argument: its "
		       "value, or the name of a file that holds it, is in the environment; on the command line "
		       "and in the configuration \\fBname\\-file\\fR names the file. A configuration file with "
		       "secrets must have mode 0600.\n");
	for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
		strbuf_addf(out, ".SH %s\n", groups[g].title);
		for (size_t i = 0; i < settings_count; i++) {
			if (settings_table[i].group == groups[g].group)
				describe(out, &settings_table[i]);
		}
	}
}

/* -- names that nobody reads ---------------------------------------------------------------------------- */

static bool is_known(const char *name, size_t len)
{
	/* Of commands that have options of their own. */
	static const char *const others[] = { "TIRO_CONFIG",	   "TIRO_LANGUAGE", "TIRO_MODEL_SOURCE",
					      "TIRO_OCR_LANGUAGE", "TIRO_OCR_MODE", "TIRO_OPENVINO",
					      "TIRO_TESSDATA" };
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		if (strlen(others[i]) == len && memcmp(others[i], name, len) == 0)
			return true;
	}
	for (size_t i = 0; i < settings_count; i++) {
		size_t env_len = strlen(settings_table[i].env);
		bool has_file = settings_table[i].type == SETTING_SECRET;
		if (len >= env_len && memcmp(settings_table[i].env, name, env_len) == 0 &&
		    (len == env_len || (has_file && len == env_len + 5 && memcmp(name + env_len, "_FILE", 5) == 0)))
			return true;
	}
	return false;
}

void settings_strangers(struct strbuf *out)
{
	for (char **at = environ; *at; at++) {
		size_t len = strcspn(*at, "=");
		if (strncmp(*at, "TIRO_", 5) != 0 || is_known(*at, len))
			continue;
		cleanup_free char *name = strndup(*at, len);
		if (name)
			say_plain(out, name);
		strbuf_add_char(out, '\n');
	}
}
