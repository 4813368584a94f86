/*
 * Databases for tests: opened by the name of the back end ("file", "memory", "postgres", and "fault": a file behind the
 * wrapper that makes faults, which here makes none), each in a folder of its own.
 * The PostgreSQL is started by the test program and ends with it.
 */
#ifndef TIRO_TESTS_SUPPORT_STORE_H
#define TIRO_TESTS_SUPPORT_STORE_H

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/fault.h"

enum { STORE_SKIPPED = 77 };

struct store_place {
	char folder[64];
	char path[96]; /* SQLite's file */
	enum db_kind kind;
	bool has_server;
	bool is_wrapped;
};

/* Runs tests/support/postgres; its exit status. TIRO_TEST_POSTGRES is its path. */
static inline int store_server(const struct store_place *place, const char *command, const char *settings)
{
	char line[512];
	(void)snprintf(line, sizeof line, "%s %s %s %s", TIRO_TEST_POSTGRES, command, place->folder, settings);
	int status = system(line);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline int store_remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline void store_place_done(struct store_place *place)
{
	if (place->has_server)
		(void)store_server(place, "stop", "");
	(void)nftw(place->folder, store_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* 0, or the program's exit status (77: the back end is not installed). `parent` is the folder above, "/tmp" mostly. */
static inline int store_place_init(struct store_place *place, const char *backend, const char *parent,
				   const char *settings)
{
	(void)snprintf(place->folder, sizeof place->folder, "%s/tiro-store-XXXXXX", parent);
	if (!mkdtemp(place->folder))
		return 1;
	(void)snprintf(place->path, sizeof place->path, "%s/tiro.db", place->folder);
	place->kind = DB_SQLITE;
	place->has_server = false;
	place->is_wrapped = strcmp(backend, "fault") == 0;
	if (strcmp(backend, "memory") == 0)
		place->kind = DB_SQLITE_MEMORY;
	if (strcmp(backend, "postgres") != 0)
		return 0;
	place->kind = DB_POSTGRES;
	int status = store_server(place, "start", settings);
	place->has_server = status == 0;
	if (status == STORE_SKIPPED)
		(void)printf("missing: PostgreSQL\n");
	if (status != 0)
		store_place_done(place);
	return status;
}

static inline struct db_config store_config(const struct store_place *place)
{
	struct db_config config = {
		.kind = place->kind, .path = place->path, .host = place->folder, .dbname = "postgres"
	};
	return config;
}

/* db_open in that place. */
static inline enum err_code store_open(const struct store_place *place, const struct db_config *config, uv_loop_t *loop,
				       struct db **ret, struct err *err)
{
	enum err_code code = db_open(config, loop, ret, err);
	return code == ERR_OK && place->is_wrapped ? fault_open(*ret, ret, err) : code;
}

#endif
