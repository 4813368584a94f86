/*
 * Runs a foreign program to its end, without a shell. One at a time; the caller's thread waits.
 */
#ifndef TIRO_MODELS_SUBPROCESS_H
#define TIRO_MODELS_SUBPROCESS_H

#include <stdbool.h>

#include "base/err.h"

struct subprocess {
	const char *const *args; /* the program, searched in PATH, and its arguments; ends with NULL */
	const char *work_dir; /* its working and temporary folder */
	const char *log_path; /* gets its standard output and error; input is empty */
	bool (*go_on)(void *owner); /* asked twenty times a second; false ends the program and all that it started */
	void *owner;
};

/*
 * Errors: ERR_CANCELLED, ERR_SYSTEM. *ret_status is the exit status; 127: the program is not there; 128 + n: it died
 * of signal n. The program is killed when this process dies.
 */
enum err_code subprocess_run(const struct subprocess *spec, int *ret_status, struct err *err) MUST_CHECK;

#endif
