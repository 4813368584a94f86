/* Between the files of the settings: values from text. */
#ifndef TIRO_CLI_SETTINGS_PRIV_H
#define TIRO_CLI_SETTINGS_PRIV_H

#include "cli/settings.h"

/* Where a value stands, for messages. */
struct setting_place {
	enum setting_origin origin;
	const char *name; /* "--listen", "TIRO_LISTEN", "tiro.conf, line 3"; "its default" */
};

/* Sets one value, in the place of an earlier one. Errors: ERR_CONFIG, ERR_NO_MEMORY. */
enum err_code setting_set(struct settings *settings, const struct setting *setting, const char *text,
			  const struct setting_place *place, struct err *err) MUST_CHECK;

/* Frees a value. */
void setting_clear(struct settings *settings, const struct setting *setting);

/* Whether a value is there; a number always is. */
bool setting_is_set(const struct settings *settings, const struct setting *setting);

/* What belongs together. Errors: ERR_CONFIG. */
enum err_code settings_check(const struct settings *settings, struct err *err) MUST_CHECK;

#endif
