/*
 * tiro config: which settings are in force, and whether they make sense.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/settings.h"

static void write_out(const struct strbuf *text)
{
	(void)fwrite(strbuf_str(text), 1, text->len, stdout);
}

static enum err_code run_print(const struct settings_input *input, struct err *err)
{
	cleanup_settings struct settings_loaded *loaded = NULL;
	cleanup_strbuf struct strbuf text = STRBUF_INIT(SETTINGS_TEXT_MAX);
	enum err_code code = settings_load(input, &loaded, err);
	if (code)
		return code;
	settings_print(loaded, &text);
	write_out(&text);
	return strbuf_check(&text, "the settings", err);
}

static enum err_code run_check(const struct settings_input *input, struct err *err)
{
	cleanup_settings struct settings_loaded *loaded = NULL;
	cleanup_strbuf struct strbuf strangers = STRBUF_INIT(SETTINGS_TEXT_MAX);
	enum err_code code = settings_load(input, &loaded, err);
	if (code)
		return code;
	settings_strangers(&strangers);
	for (const char *name = strbuf_str(&strangers); *name;) {
		int len = (int)strcspn(name, "\n");
		(void)printf("note: nothing reads %.*s\n", len, name);
		name += len + (name[len] == '\n');
	}
	(void)printf("the settings are fine (configuration file: %s)\n",
		     settings_file(loaded) ? settings_file(loaded) : "none");
	return ERR_OK;
}

static enum err_code run_manual(const struct settings_input *input, struct err *err)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT(SETTINGS_TEXT_MAX);
	(void)input;
	settings_manual(&text);
	write_out(&text);
	return strbuf_check(&text, "the manual page", err);
}

static const struct verb {
	const char *name;
	enum err_code (*run)(const struct settings_input *input, struct err *err);
} verbs[] = { { "print", run_print }, { "check", run_check }, { "manual", run_manual } };

static enum err_code dispatch(void *ctx, char **words, int count, int *ret_status, struct err *err)
{
	(void)ret_status;
	if (count == 0)
		return err_set(err, ERR_USAGE, "\"tiro config\" needs one of print, check and manual");
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].name, words[0]) != 0)
			continue;
		if (count > 1)
			return err_set(err, ERR_USAGE, "\"tiro config %s\" takes no \"%s\"", words[0], words[1]);
		return verbs[i].run(ctx, err);
	}
	return err_set(err, ERR_USAGE, "there is no \"tiro config %s\"; print, check and manual are known", words[0]);
}

static int run(int argc, char **argv)
{
	struct settings_input input = { .config = NULL };
	struct opt table[SETTINGS_OPTS_MAX];
	const struct opts opts = { .cmd = &cmd_config,
				   .table = table,
				   .count = settings_opts(&input, SETTINGS_OF_ALL, table) };
	return opts_run(&opts, argc, argv, dispatch, &input);
}

const struct cmd cmd_config = {
	.name = "config",
	.summary = "Shows and checks the settings of the server",
	.usage = "print       the settings in force, as a configuration file; secrets are not shown\n"
		 "       tiro config check       says what is wrong with them\n"
		 "       tiro config manual      the manual page tiro.conf(5), for man -l",
	.run = run,
};
