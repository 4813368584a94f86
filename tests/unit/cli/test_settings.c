/* Settings: where a value comes from, what is refused and in which words, and what is made of the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>

#include "cli/settings.h"
#include "support/scratch.h"

static struct err err;

static enum err_code load(const struct settings_input *input, struct settings_loaded **ret)
{
	err.message[0] = '\0';
	return settings_load(input, ret, &err);
}

static size_t index_of(const char *name)
{
	for (size_t i = 0; i < settings_count; i++) {
		if (strcmp(settings_table[i].name, name) == 0)
			return i;
	}
	fail_msg("no setting %s", name);
	return 0;
}

static struct settings_loaded *load_ok(const struct settings_input *input)
{
	struct settings_loaded *loaded = NULL;
	if (load(input, &loaded) != ERR_OK)
		fail_msg("%s", err.message);
	return loaded;
}

static void assert_refused(const struct settings_input *input, const char *words)
{
	struct settings_loaded *loaded = NULL;
	if (load(input, &loaded) != ERR_CONFIG || !strstr(err.message, words))
		fail_msg("\"%s\" is not in: %s", words, err.message);
	assert_null(loaded);
}

/* An empty folder, and nothing in the environment that begins with one of ours. */
static int enter(void **state)
{
	for (size_t i = 0; i < settings_count; i++) {
		char name[64];
		(void)unsetenv(settings_table[i].env);
		(void)snprintf(name, sizeof name, "%s_FILE", settings_table[i].env);
		(void)unsetenv(name);
		if (settings_table[i].alias)
			(void)unsetenv(settings_table[i].alias);
	}
	(void)unsetenv("TIRO_CONFIG");
	(void)unsetenv("POSTGRES_PASSWORD_FILE");
	(void)setenv("XDG_DATA_HOME", "/x", 1);
	return scratch_enter(state);
}

static void write_config(const char *text, mode_t mode)
{
	scratch_write("tiro.conf", text, strlen(text));
	assert_int_equal(chmod("tiro.conf", mode), 0);
}

static void defaults_are_what_the_documents_say(void **state)
{
	(void)state;
	struct settings_input input = { .config = NULL };
	cleanup_settings struct settings_loaded *loaded = load_ok(&input);
	const struct settings *s = settings_of(loaded);
	assert_string_equal(s->listen, "127.0.0.1:8080");
	assert_string_equal(s->data, "/x/tiro/data");
	assert_string_equal(s->postgres_host, "localhost");
	assert_int_equal(s->postgres_port, 5432);
	assert_int_equal(s->pool_min, 5);
	assert_int_equal(s->pool_max, 20);
	assert_int_equal(s->s3_port, 9000);
	assert_int_equal(s->access_ttl_s, 3600);
	assert_int_equal(s->job_timeout_s, 120 * 60);
	assert_int_equal(s->job_retries, 3);
	assert_int_equal(s->cleanup_interval_s, 24 * 3600);
	assert_int_equal(s->password_memory_bytes, 64 << 20);
	assert_true(s->registration);
	assert_null(s->s3_access_key);
	assert_int_equal(s->postgres_password.len, 0);
}

static void a_flag_goes_over_the_environment_over_the_file(void **state)
{
	(void)state;
	size_t listen = index_of("listen");
	struct settings_input input = { .config = "tiro.conf" };
	write_config("# a comment\n\n listen =  1.1.1.1:1  \nconnections=7\r\nthreads = 3", 0644);
	struct settings_loaded *loaded = load_ok(&input);
	assert_string_equal(settings_of(loaded)->listen, "1.1.1.1:1");
	assert_int_equal(settings_of(loaded)->connections, 7);
	assert_int_equal(settings_of(loaded)->threads, 3);
	assert_int_equal(settings_origin(loaded, listen), ORIGIN_FILE);
	settings_free(loaded);
	(void)setenv("TIRO_LISTEN", "2.2.2.2:2", 1);
	loaded = load_ok(&input);
	assert_string_equal(settings_of(loaded)->listen, "2.2.2.2:2");
	assert_int_equal(settings_origin(loaded, listen), ORIGIN_ENVIRONMENT);
	settings_free(loaded);
	input.flags[listen] = "3.3.3.3:3";
	loaded = load_ok(&input);
	assert_string_equal(settings_of(loaded)->listen, "3.3.3.3:3");
	assert_int_equal(settings_origin(loaded, listen), ORIGIN_FLAG);
	settings_free(loaded);
	/* An empty variable is none. */
	input.flags[listen] = NULL;
	(void)setenv("TIRO_LISTEN", "", 1);
	loaded = load_ok(&input);
	assert_string_equal(settings_of(loaded)->listen, "1.1.1.1:1");
	settings_free(loaded);
}

static void the_names_of_the_service_document_work(void **state)
{
	(void)state;
	struct settings_input input = { .config = NULL };
	(void)setenv("POSTGRES_PASSWORD", "p", 1);
	(void)setenv("POSTGRES_HOST", "db", 1);
	(void)setenv("POSTGRES_PORT", "6543", 1);
	(void)setenv("MINIO_ACCESS_KEY", "a", 1);
	(void)setenv("MINIO_SECRET_KEY", "s", 1);
	(void)setenv("MINIO_HOST", "objects", 1);
	(void)setenv("MINIO_PORT", "9999", 1);
	cleanup_settings struct settings_loaded *loaded = load_ok(&input);
	const struct settings *s = settings_of(loaded);
	assert_string_equal(secret_reveal(&s->postgres_password), "p");
	assert_string_equal(s->postgres_host, "db");
	assert_int_equal(s->postgres_port, 6543);
	assert_string_equal(s->s3_access_key, "a");
	assert_string_equal(secret_reveal(&s->s3_secret_key), "s");
	assert_string_equal(s->s3_host, "objects");
	assert_int_equal(s->s3_port, 9999);
}

static void secrets_come_from_files_too_and_are_never_shown(void **state)
{
	(void)state;
	size_t index = index_of("postgres-password");
	struct settings_input input = { .config = NULL };
	cleanup_strbuf struct strbuf text = STRBUF_INIT(SETTINGS_TEXT_MAX);
	scratch_write("secret", "geheim\n", 7);
	(void)setenv("POSTGRES_PASSWORD_FILE", "secret", 1);
	struct settings_loaded *loaded = load_ok(&input);
	assert_string_equal(secret_reveal(&settings_of(loaded)->postgres_password), "geheim");
	settings_print(loaded, &text);
	assert_null(strstr(strbuf_str(&text), "geheim"));
	assert_non_null(strstr(strbuf_str(&text), "postgres-password is set, and not shown"));
	assert_false(settings_value_text(loaded, index, &text));
	settings_free(loaded);
	(void)setenv("POSTGRES_PASSWORD", "geheim", 1);
	assert_refused(&input, "POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are both set");
	assert_null(strstr(err.message, "geheim"));
	/* Our own name goes first. */
	(void)setenv("TIRO_POSTGRES_PASSWORD", "other", 1);
	loaded = load_ok(&input);
	assert_string_equal(secret_reveal(&settings_of(loaded)->postgres_password), "other");
	settings_free(loaded);
	scratch_write("secret", "\n", 1);
	input.flags[index] = "secret";
	assert_refused(&input, "\"secret\" of --postgres-password-file holds no text");
	input.flags[index] = "nowhere";
	assert_int_equal(load(&input, &loaded), ERR_NOT_FOUND);
}

static void a_file_with_secrets_is_its_owners_only(void **state)
{
	(void)state;
	struct settings_input input = { .config = "tiro.conf" };
	write_config("listen = 1.1.1.1:1\npostgres-password = geheim\n", 0640);
	assert_refused(&input, "tiro.conf, line 2: postgres-password is secret");
	assert_null(strstr(err.message, "geheim"));
	write_config("postgres-password = geheim\n", 0600);
	struct settings_loaded *loaded = load_ok(&input);
	assert_string_equal(secret_reveal(&settings_of(loaded)->postgres_password), "geheim");
	settings_free(loaded);
	scratch_write("secret", "aus der Datei", 13);
	write_config("postgres-password-file = secret\n", 0644);
	loaded = load_ok(&input);
	assert_string_equal(secret_reveal(&settings_of(loaded)->postgres_password), "aus der Datei");
	settings_free(loaded);
}

static void what_is_wrong_is_named_with_its_place(void **state)
{
	(void)state;
	struct settings_input input = { .config = "tiro.conf" };
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ "listen\n", "tiro.conf, line 1: a line is \"name = value\"" },
		{ "\nlisten = x\nlistne = y\n", "tiro.conf, line 3: there is no setting \"listne\"" },
		{ "threads = 257\n", "threads (tiro.conf, line 1) is a number from 0 to 256, not \"257\"" },
		{ "threads = -1\n", "is a number" },
		{ "threads = 1x\n", "is a number" },
		{ "threads = 99999999999999999999\n", "is a number" },
		{ "registration = maybe\n", "is yes or no" },
		{ "database = mysql\n", "is one of auto|sqlite|postgres" },
		{ "database = sql\n", "is one of" },
		{ "max-upload = 17T\n", "is a size (like 64M or 2G) from 1 to 16T" },
		{ "max-upload = 9999999T\n", "is a size" },
		{ "job-timeout = 30s\n", "is a time (like 90s, 15m, 24h or 30d) from 1m to 30d" },
		{ "job-timeout = 2w\n", "is a time" },
		{ "database-pool-min = 9\ndatabase-pool-max = 8\n", "database-pool-min (9) is above" },
		{ "tls-key = k\n", "tls-certificate is not set" },
		{ "admin-email = a@b\n", "admin-password is not set" },
		{ "s3-access-key = a\n", "s3-secret-key is not set" },
		{ "storage = s3\n", "s3-access-key is not set" },
		{ "master-key-file = f\nmaster-key-command = c\n", "only one of master-key-file" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		write_config(rows[i].text, 0600);
		assert_refused(&input, rows[i].words);
	}
	input.config = "nowhere";
	struct settings_loaded *loaded;
	assert_int_equal(load(&input, &loaded), ERR_NOT_FOUND);
}

static void numbers_have_units(void **state)
{
	(void)state;
	struct settings_input input = { .config = "tiro.conf" };
	write_config("max-upload = 512M\njob-timeout = 90m\naccess-ttl = 120\nregistration = off\nmax-upload = 3G\n",
		     0600);
	cleanup_settings struct settings_loaded *loaded = load_ok(&input);
	cleanup_strbuf struct strbuf text = STRBUF_INIT(100);
	assert_int_equal(settings_of(loaded)->max_upload_bytes, (int64_t)3 << 30);
	assert_int_equal(settings_of(loaded)->job_timeout_s, 5400);
	assert_int_equal(settings_of(loaded)->access_ttl_s, 120);
	assert_false(settings_of(loaded)->registration);
	assert_true(settings_value_text(loaded, index_of("max-upload"), &text));
	assert_true(settings_value_text(loaded, index_of("job-timeout"), &text));
	assert_true(settings_value_text(loaded, index_of("registration"), &text));
	assert_string_equal(strbuf_str(&text), "3G90mno");
}

/* What is printed can be read, and says the same. */
static void what_is_printed_is_a_configuration(void **state)
{
	(void)state;
	struct settings_input input = { .config = "tiro.conf" };
	cleanup_strbuf struct strbuf first = STRBUF_INIT(SETTINGS_TEXT_MAX), second = STRBUF_INIT(SETTINGS_TEXT_MAX);
	write_config("listen = 1.1.1.1:1\nmax-upload = 5M\ntrusted-proxies = 10.0.0.0/8,::1\n", 0600);
	struct settings_loaded *loaded = load_ok(&input);
	settings_print(loaded, &first);
	settings_free(loaded);
	assert_non_null(strstr(strbuf_str(&first), "# from the file:\nlisten = 1.1.1.1:1\n"));
	assert_non_null(strstr(strbuf_str(&first), "\n#threads = 0\n"));
	write_config(strbuf_str(&first), 0600);
	loaded = load_ok(&input);
	settings_print(loaded, &second);
	settings_free(loaded);
	assert_string_equal(strbuf_str(&first), strbuf_str(&second));
}

static void the_table_is_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *s = &settings_table[i];
		char env[64] = "TIRO_";
		size_t len = 5;
		for (const char *p = s->name; *p; p++)
			env[len++] = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
		env[len] = '\0';
		assert_string_equal(s->env, env);
		assert_true(strlen(s->name) + 6 < SETTING_NAME_MAX);
		assert_true(s->group != 0 && (s->group & (s->group - 1)) == 0);
		assert_non_null(s->help);
		assert_true(s->help[strlen(s->help) - 1] != '.');
		if (s->type == SETTING_SECRET)
			assert_null(s->initial);
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(s->name, settings_table[j].name);
			assert_int_not_equal(s->offset, settings_table[j].offset);
		}
	}
}

static void options_are_made_of_the_table(void **state)
{
	(void)state;
	static const struct cmd cmd = { .name = "try", .summary = "Tries", .usage = "" };
	struct settings_input input = { .config = NULL };
	struct opt table[SETTINGS_OPTS_MAX];
	size_t count = settings_opts(&input, SETTINGS_OF_ALL, table);
	struct opts opts = { .cmd = &cmd, .table = table, .count = count };
	char word[7][40] = { "try", "--listen", "1.1.1.1:1", "--postgres-password-file=secret", "file" };
	char *argv[] = { word[0], word[1], word[2], word[3], word[4], NULL };
	int files = 0;
	bool help = false;
	scratch_write("secret", "geheim", 6);
	assert_int_equal(opts_parse(&opts, 5, argv, &files, &help, &err), ERR_OK);
	assert_int_equal(files, 1);
	cleanup_settings struct settings_loaded *loaded = load_ok(&input);
	assert_string_equal(settings_of(loaded)->listen, "1.1.1.1:1");
	assert_string_equal(secret_reveal(&settings_of(loaded)->postgres_password), "geheim");
	/* No secret is an argument. */
	for (size_t i = 0; i < count; i++)
		assert_true(strcmp(table[i].name, "postgres-password") != 0 &&
			    strcmp(table[i].name, "master-key") != 0);
}

static bool has_option(unsigned users, const char *name)
{
	struct settings_input input = { .config = NULL };
	struct opt table[SETTINGS_OPTS_MAX];
	size_t count = settings_opts(&input, users, table);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(table[i].name, name) == 0)
			return true;
	}
	return false;
}

static void a_command_has_the_options_that_it_reads(void **state)
{
	(void)state;
	assert_true(has_option(SETTINGS_OF_SERVER, "listen"));
	assert_false(has_option(SETTINGS_OF_WORKER, "listen"));
	assert_true(has_option(SETTINGS_OF_WORKER, "threads"));
	assert_false(has_option(SETTINGS_OF_ADMIN, "threads"));
	assert_true(has_option(SETTINGS_OF_ADMIN, "data"));
	for (size_t i = 0; i < settings_count; i++)
		assert_true(settings_table[i].users != 0 &&
			    (settings_table[i].users & ~(unsigned)SETTINGS_OF_ALL) == 0);
}

static void the_manual_names_every_setting(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf text = STRBUF_INIT(SETTINGS_TEXT_MAX);
	settings_manual(&text);
	for (size_t i = 0; i < settings_count; i++)
		assert_non_null(strstr(strbuf_str(&text), settings_table[i].env));
}

static void names_that_nobody_reads_are_found(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf text = STRBUF_INIT(SETTINGS_TEXT_MAX);
	(void)setenv("TIRO_LISTEN", "x", 1);
	(void)setenv("TIRO_ADMIN_PASSWORD_FILE", "x", 1);
	(void)setenv("TIRO_LISTNE", "x", 1);
	settings_strangers(&text);
	assert_non_null(strstr(strbuf_str(&text), "TIRO_LISTNE\n"));
	assert_null(strstr(strbuf_str(&text), "TIRO_LISTEN\n"));
	assert_null(strstr(strbuf_str(&text), "TIRO_ADMIN_PASSWORD_FILE"));
	(void)unsetenv("TIRO_LISTNE");
	(void)unsetenv("TIRO_ADMIN_PASSWORD_FILE");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(defaults_are_what_the_documents_say),
		IN_FOLDER(a_flag_goes_over_the_environment_over_the_file),
		IN_FOLDER(the_names_of_the_service_document_work),
		IN_FOLDER(secrets_come_from_files_too_and_are_never_shown),
		IN_FOLDER(a_file_with_secrets_is_its_owners_only),
		IN_FOLDER(what_is_wrong_is_named_with_its_place),
		IN_FOLDER(numbers_have_units),
		IN_FOLDER(what_is_printed_is_a_configuration),
		IN_FOLDER(the_table_is_sound),
		IN_FOLDER(options_are_made_of_the_table),
		IN_FOLDER(a_command_has_the_options_that_it_reads),
		IN_FOLDER(the_manual_names_every_setting),
		IN_FOLDER(names_that_nobody_reads_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
