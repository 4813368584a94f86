/* One setting: from text, to text, and what belongs together. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/settings_priv.h"

struct unit {
	const char *name;
	int64_t factor;
};
/* The largest first, which is how values are written. */
static const struct unit size_units[] = { { "T", (int64_t)1 << 40 },
					  { "G", (int64_t)1 << 30 },
					  { "M", (int64_t)1 << 20 },
					  { "K", (int64_t)1 << 10 },
					  { "", 1 } };
static const struct unit time_units[] = { { "d", 86400 }, { "h", 3600 }, { "m", 60 }, { "s", 1 }, { "", 1 } };
static const struct unit no_units[] = { { "", 1 } };

static const struct unit *units_of(enum setting_type type, size_t *ret_count)
{
	if (type == SETTING_SIZE) {
		*ret_count = ARRAY_LEN(size_units);
		return size_units;
	}
	if (type == SETTING_TIME) {
		*ret_count = ARRAY_LEN(time_units);
		return time_units;
	}
	*ret_count = ARRAY_LEN(no_units);
	return no_units;
}

static void *member(struct settings *settings, const struct setting *setting)
{
	return (char *)settings + setting->offset;
}

static const void *member_of(const struct settings *settings, const struct setting *setting)
{
	return (const char *)settings + setting->offset;
}

/* -- from text ------------------------------------------------------------------------------------- */

static enum err_code wrong(const struct setting *setting, const struct setting_place *place, const char *text,
			   const char *wanted, struct err *err)
{
	return err_set(err, ERR_CONFIG, "%s (%s) is %s, not \"%s\"", setting->name, place->name, wanted, text);
}

/* Only digits and a unit. */
static bool parse_number(const struct setting *setting, const char *text, int64_t *ret)
{
	char *end;
	size_t count;
	const struct unit *units = units_of(setting->type, &count);
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (end == text || errno != 0 || value < 0 || *text < '0' || *text > '9')
		return false;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(end, units[i].name) == 0)
			return !__builtin_mul_overflow(value, units[i].factor, ret);
	}
	return false;
}

static void write_number(const struct setting *setting, int64_t value, char *ret, size_t size)
{
	size_t count;
	const struct unit *units = units_of(setting->type, &count);
	for (size_t i = 0; i < count; i++) {
		if (value % units[i].factor == 0 && (value != 0 || i == count - 1)) {
			(void)snprintf(ret, size, "%" PRId64 "%s", value / units[i].factor, units[i].name);
			return;
		}
	}
}

static enum err_code set_number(struct settings *settings, const struct setting *setting, const char *text,
				const struct setting_place *place, struct err *err)
{
	static const char *const kinds[] = { [SETTING_INT] = "a number",
					     [SETTING_SIZE] = "a size (like 64M or 2G)",
					     [SETTING_TIME] = "a time (like 90s, 15m, 24h or 30d)" };
	char wanted[160], low[32], high[32];
	int64_t value;
	if (parse_number(setting, text, &value) && value >= setting->min && value <= setting->max) {
		*(int64_t *)member(settings, setting) = value;
		return ERR_OK;
	}
	write_number(setting, setting->min, low, sizeof low);
	write_number(setting, setting->max, high, sizeof high);
	(void)snprintf(wanted, sizeof wanted, "%s from %s to %s", kinds[setting->type], low, high);
	return wrong(setting, place, text, wanted, err);
}

static enum err_code set_bool(struct settings *settings, const struct setting *setting, const char *text,
			      const struct setting_place *place, struct err *err)
{
	static const char *const words[][2] = { { "no", "yes" }, { "false", "true" }, { "off", "on" }, { "0", "1" } };
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		for (size_t value = 0; value < 2; value++) {
			if (strcmp(text, words[i][value]) == 0) {
				*(bool *)member(settings, setting) = value != 0;
				return ERR_OK;
			}
		}
	}
	return wrong(setting, place, text, "yes or no", err);
}

static bool is_choice(const char *choices, const char *text)
{
	size_t len = strlen(text);
	while (*choices) {
		size_t n = strcspn(choices, "|");
		if (n == len && memcmp(choices, text, n) == 0)
			return true;
		choices += n + (choices[n] == '|');
	}
	return false;
}

static enum err_code set_text(struct settings *settings, const struct setting *setting, const char *text,
			      const struct setting_place *place, struct err *err)
{
	if (setting->type == SETTING_CHOICE && !is_choice(setting->choices, text)) {
		char wanted[120];
		(void)snprintf(wanted, sizeof wanted, "one of %s", setting->choices);
		return wrong(setting, place, text, wanted, err);
	}
	char *copy = strdup(text);
	if (!copy)
		return err_set(err, ERR_NO_MEMORY, "no memory for the settings");
	setting_clear(settings, setting);
	*(char **)member(settings, setting) = copy;
	return ERR_OK;
}

enum err_code setting_set(struct settings *settings, const struct setting *setting, const char *text,
			  const struct setting_place *place, struct err *err)
{
	switch (setting->type) {
	case SETTING_INT:
	case SETTING_SIZE:
	case SETTING_TIME:
		return set_number(settings, setting, text, place, err);
	case SETTING_BOOL:
		return set_bool(settings, setting, text, place, err);
	case SETTING_SECRET:
		setting_clear(settings, setting);
		return secret_set(member(settings, setting), text, strlen(text), err);
	case SETTING_TEXT:
	case SETTING_CHOICE:
	default:
		return set_text(settings, setting, text, place, err);
	}
}

void setting_clear(struct settings *settings, const struct setting *setting)
{
	if (setting->type == SETTING_SECRET) {
		secret_done(member(settings, setting));
	} else if (setting->type == SETTING_TEXT || setting->type == SETTING_CHOICE) {
		char **text = member(settings, setting);
		free(*text);
		*text = NULL;
	}
}

/* -- to text --------------------------------------------------------------------------------------- */

bool setting_is_set(const struct settings *settings, const struct setting *setting)
{
	if (setting->type == SETTING_SECRET)
		return ((const struct secret *)member_of(settings, setting))->len > 0;
	if (setting->type == SETTING_TEXT || setting->type == SETTING_CHOICE)
		return *(char *const *)member_of(settings, setting) != NULL;
	return true;
}

bool settings_value_text(const struct settings_loaded *loaded, size_t index, struct strbuf *out)
{
	char number[32];
	const struct setting *setting = &settings_table[index];
	const struct settings *settings = settings_of(loaded);
	if (setting->type == SETTING_SECRET || !setting_is_set(settings, setting))
		return false;
	if (setting->type == SETTING_TEXT || setting->type == SETTING_CHOICE) {
		strbuf_add_str(out, *(char *const *)member_of(settings, setting));
		return true;
	}
	if (setting->type == SETTING_BOOL) {
		strbuf_add_str(out, *(const bool *)member_of(settings, setting) ? "yes" : "no");
		return true;
	}
	write_number(setting, *(const int64_t *)member_of(settings, setting), number, sizeof number);
	strbuf_add_str(out, number);
	return true;
}

/* -- what belongs together -------------------------------------------------------------------------- */

static int count_set(bool a, bool b, bool c)
{
	return (int)a + (int)b + (int)c;
}

enum err_code settings_check(const struct settings *s, struct err *err)
{
	if (s->pool_min > s->pool_max)
		return err_set(err, ERR_CONFIG,
			       "database-pool-min (%" PRId64 ") is above database-pool-max (%" PRId64 ")", s->pool_min,
			       s->pool_max);
	if (!s->tls_certificate != !s->tls_key)
		return err_set(err, ERR_CONFIG, "tls-certificate and tls-key belong together: %s is not set",
			       s->tls_key ? "tls-certificate" : "tls-key");
	if (!s->admin_email != (s->admin_password.len == 0))
		return err_set(err, ERR_CONFIG, "admin-email and admin-password belong together: %s is not set",
			       s->admin_email ? "admin-password" : "admin-email");
	if (!s->s3_access_key != (s->s3_secret_key.len == 0))
		return err_set(err, ERR_CONFIG, "s3-access-key and s3-secret-key belong together: %s is not set",
			       s->s3_access_key ? "s3-secret-key" : "s3-access-key");
	if (strcmp(s->storage, "s3") == 0 && !s->s3_access_key)
		return err_set(err, ERR_CONFIG, "storage is s3, but s3-access-key is not set");
	if (count_set(s->master_key.len > 0, s->master_key_file, s->master_key_command) > 1)
		return err_set(err, ERR_CONFIG,
			       "only one of master-key-file, master-key and master-key-command can be set");
	if (count_set(s->master_key_next.len > 0, s->master_key_next_file, s->master_key_next_command) > 1)
		return err_set(err, ERR_CONFIG,
			       "only one of master-key-next-file, master-key-next and "
			       "master-key-next-command can be set");
	return ERR_OK;
}
