/*
 * tiro serve, tiro worker: the server, and a node of one without the API.
 */
#include <string.h>

#include "base/cleanup.h"
#include "cli/backends.h"
#include "cli/opts.h"
#include "cli/server.h"

struct serve_options {
	struct settings_input input;
	struct server_options server;
};

enum { OWN_OPTIONS = 2 };

static enum err_code work(void *ctx, char **words, int count, int *ret_status, struct err *err)
{
	struct serve_options *o = ctx;
	cleanup_settings struct settings_loaded *loaded = NULL;
	(void)ret_status;
	if (count > 0)
		return err_set(err, ERR_USAGE, "\"%s\" is no option of the server", words[0]);
	enum err_code code = settings_load(&o->input, &loaded, err);
	if (!code && !o->server.with_api && !backends_use_postgres(settings_of(loaded)))
		code = err_set(err, ERR_CONFIG,
			       "a worker shares the database of a server on another machine: set POSTGRES_HOST and "
			       "POSTGRES_PASSWORD as there. A server on SQLite does its work by itself");
	return code ? code : server_run(settings_of(loaded), &o->server, err);
}

static int run(const struct cmd *cmd, bool with_api, int argc, char **argv)
{
	struct serve_options o = { .server = { .with_api = with_api } };
	struct opt table[OWN_OPTIONS + SETTINGS_OPTS_MAX] = {
		{ 0, "openvino", "DIR", "folder of OpenVINO's library, or none to do without it", "TIRO_OPENVINO",
		  OPT_STRING, &o.server.openvino, 0, 0 },
		{ 0, "fake-engine", NULL, NULL, NULL, OPT_FLAG, &o.server.fake_engine, 0, 0 },
	};
	size_t count = settings_opts(&o.input, with_api ? SETTINGS_OF_SERVER : SETTINGS_OF_WORKER, table + OWN_OPTIONS);
	/* As for tiro transcribe. */
	for (size_t i = OWN_OPTIONS; i < OWN_OPTIONS + count; i++) {
		if (strcmp(table[i].name, "model") == 0)
			table[i].letter = 'm';
	}
	const struct opts opts = { .cmd = cmd, .table = table, .count = OWN_OPTIONS + count };
	return opts_run(&opts, argc, argv, work, &o);
}

static int run_serve(int argc, char **argv)
{
	return run(&cmd_serve, true, argc, argv);
}

static int run_worker(int argc, char **argv)
{
	return run(&cmd_worker, false, argc, argv);
}

const struct cmd cmd_serve = { .name = "serve",
			       .summary = "Runs the server: the API, the queue and a worker",
			       .usage = "[--listen ADDRESS:PORT] [--data DIR] [--threads N] [-m MODEL]",
			       .run = run_serve };
const struct cmd cmd_worker = { .name = "worker",
				.summary = "Runs a worker of a server on another machine, without the API",
				.usage = "[--threads N] [-m MODEL]",
				.run = run_worker };
