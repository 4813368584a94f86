/* Opening and closing everything that a server consists of. */
#include "cli/server.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/processor.h"
#include "cli/openvino.h"
#include "models/models.h"
#include "store/impatient.h"

enum {
	/* Requests that wait for the database or the store, at once; each costs a stack. */
	API_THREADS = 8,
	HEALTH_THREADS = 1, /* of a worker */
	API_WAITING = 2048,
	/* Uploads and downloads take turns on these, a block at a time; each may wait for S3. */
	TRANSFER_THREADS = 16,
	/* Log-ins that wait for a hash of 100 ms: more than these would wait for seconds. */
	PASSWORD_WAITING = 32,
	/* The worker's: parts are loaded and stored while others are recognised. */
	WORKER_THREADS_MIN = 4,
	WORKER_WAITING = 1024,
	NODE_NAME_MAX = 128
};

/* -- the process -------------------------------------------------------------------------------------- */

/* Keys pass through this process's memory: nobody shall read it, or find it in a core dump. */
static void harden(void)
{
	(void)umask(0077);
#ifndef __SANITIZE_ADDRESS__ /* whose leak check needs ptrace */
	(void)prctl(PR_SET_DUMPABLE, 0);
#endif
	const struct rlimit none = { 0, 0 };
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void set_log_level(const char *name)
{
	static const char *const names[] = {
		[LOG_ERROR] = "error", [LOG_WARNING] = "warning", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i], name) == 0)
			log_set_level((enum log_level)i);
	}
}

static int engine_threads(const struct settings *settings)
{
	return settings->threads > 0 ? (int)settings->threads : processor_count();
}

/* -- opening ------------------------------------------------------------------------------------------ */

static enum err_code open_models(struct server *s, const struct server_options *options, struct err *err)
{
	struct models *models = NULL;
	enum err_code code = models_open(s->settings->models, &models, err);
	if (!code && !options->fake_engine)
		code = models_open_file(models, s->settings->model, &s->model_fd, err);
	if (!code)
		code = models_open_file(models, "silero-vad", &s->vad_fd, err);
	models_close(models);
	if (!code && options->fake_engine)
		s->model_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return code;
}

/* A store that is away may come back while the server runs; what a person has to mend is said now. */
static enum err_code check_storage(struct server *s, struct err *err)
{
	s->storage.code = store_marker_check(&s->marker, s->db, s->blobs, &s->storage);
	if (s->storage.code == ERR_OK)
		return ERR_OK;
	*err = s->storage;
	if (err->code == ERR_DENIED && backends_use_s3(s->settings))
		return err_prefix(err, "S3_ACCESS_KEY or S3_SECRET_KEY");
	if (err->code != ERR_NETWORK)
		return err->code;
	log_line(LOG_WARNING, "the object store does not answer: %s", err->message);
	return ERR_OK;
}

static enum err_code open_data(struct server *s, bool with_api, struct err *err)
{
	const struct settings *settings = s->settings;
	bool made_admin = false;
	enum err_code code = backends_make_data(settings, err);
	if (!code)
		code = backends_open_db(settings, DB_SERVER, &s->loop, &s->db, err);
	if (!code)
		code = impatient_open(s->db, &s->api_db, err);
	if (!code)
		code = backends_open_blobs(settings, &s->blobs, err);
	if (!code && backends_use_postgres(settings) && !backends_use_s3(settings))
		log_line(LOG_WARNING,
			 "files are in the folder %s/blobs: every server and worker on this database must have the "
			 "same one there",
			 settings->data);
	if (!code)
		code = check_storage(s, err);
	if (!code)
		code = backends_open_keyring(settings, s->db, &s->keyring, err);
	if (!code)
		code = backends_open_accounts(settings, s->api_db, s->keyring, &s->accounts, err);
	if (!code && with_api)
		code = backends_ensure_admin(settings, s->accounts, &made_admin, err);
	if (made_admin)
		log_line(LOG_INFO, "made the first administrator, %s", settings->admin_email);
	s->files = (struct files){ .db = s->db, .blobs = s->blobs, .keyring = s->keyring };
	return code;
}

static enum err_code open_worker(struct server *s, const struct server_options *options, struct err *err)
{
	char name[NODE_NAME_MAX];
	if (gethostname(name, sizeof name) != 0)
		(void)snprintf(name, sizeof name, "unnamed");
	name[sizeof name - 1] = '\0';
	int threads = engine_threads(s->settings);
	const struct part_queue_config queue = { .node = name,
						 .about = "tiro " TIRO_VERSION,
						 .attempts_max = (int)s->settings->job_retries + 1 };
	const struct worker_spec spec = { .files = &s->files,
					  .engine = { .threads = threads,
						      .fake = options->fake_engine,
						      .speech_model_fd = s->model_fd,
						      .openvino = openvino_folder(options->openvino) },
					  .vad_fd = s->vad_fd,
					  .job_timeout_us = s->settings->job_timeout_s * US_PER_S };
	unsigned pool_threads = threads + 2 > WORKER_THREADS_MIN ? (unsigned)threads + 2 : WORKER_THREADS_MIN;
	enum err_code code = part_queue_new(&queue, &s->queue, err);
	s->files.queue = s->queue;
	if (!code)
		code = http_pool_new(&s->loop, pool_threads, WORKER_WAITING, &s->pool, err);
	struct worker_spec whole = spec;
	whole.queue = s->queue;
	whole.pool = s->pool;
	return code ? code : worker_new(&s->loop, &whole, &s->worker, err);
}

/* What answers about health need. */
static enum err_code open_health(struct server *s, unsigned threads, struct err *err)
{
	s->api_files = s->files;
	s->api_files.db = s->api_db;
	s->api_files.lasting_db = s->db;
	s->api = (struct api){ .loop = &s->loop,
			       .files = &s->api_files,
			       .queue = s->queue,
			       .accounts = s->accounts,
			       .worker = s->worker,
			       .storage = &s->storage,
			       .model = s->settings->model,
			       .upload_max_bytes = (uint64_t)s->settings->max_upload_bytes,
			       .hang_up_grace_us = s->settings->hang_up_grace_s * US_PER_S };
	enum err_code code = access_log_new(&s->loop, &s->api.access_log, err);
	return code ? code : http_pool_new(&s->loop, threads, API_WAITING, &s->api.pool, err);
}

static enum err_code open_api(struct server *s, struct err *err)
{
	struct api *api = &s->api;
	const struct access_config access = { .db = s->api_db, .signer = &accounts_policy(s->accounts)->signer };
	enum err_code code = http_pool_new(&s->loop, TRANSFER_THREADS, API_WAITING, &api->transfers, err);
	const struct prober_spec probes = { .loop = &s->loop, .files = &s->api_files, .pool = api->transfers };
	if (!code)
		code = prober_new(&probes, &api->prober, err);
	if (!code)
		code = http_pool_new(&s->loop, (unsigned)s->settings->password_hashes, PASSWORD_WAITING,
				     &api->passwords, err);
	if (!code)
		code = access_cache_new(&access, &api->access, err);
	if (!code)
		code = rights_watch_new(&s->api_files, api->pool, &api->rights, err);
	return code ? code : event_hub_new(s->db, &api->hub, err);
}

static void on_http_drained(void *owner)
{
	struct server *s = (struct server *)(void *)((char *)owner - offsetof(struct server, api));
	s->http_drained = true;
	if (s->worker_drained)
		uv_stop(&s->loop);
}

static enum err_code open_listener(struct server *s, struct listener *listener, const char *address,
				   enum api_extent extent, struct err *err)
{
	struct http_server_spec spec = { .loop = &s->loop,
					 .ops = &listener->ops,
					 .owner = &s->api,
					 .limits = http_limits_default(),
					 .tls = extent == API_ALL ? s->tls : NULL,
					 .proxies = s->proxies };
	listener->ops = api_server_ops();
	spec.limits.connections = (uint32_t)s->settings->connections;
	spec.headers = api_security_headers(&spec.header_count);
	if (extent == API_ALL)
		listener->ops.on_drained = on_http_drained;
	enum err_code code = api_routes_make(extent, &listener->routes, err);
	spec.router = listener->routes.router;
	if (!code)
		code = http_server_new(&spec, &listener->server, err);
	return code ? code : http_server_listen(listener->server, address, err);
}

static enum err_code open_listeners(struct server *s, bool with_api, struct err *err)
{
	const struct settings *settings = s->settings;
	enum err_code code = ERR_OK;
	if (settings->trusted_proxies && proxies_new(settings->trusted_proxies, &s->proxies, err) != ERR_OK)
		return err_prefix(err, "trusted-proxies");
	if (with_api && settings->tls_certificate)
		code = http_tls_new(settings->tls_certificate, settings->tls_key, &s->tls, err);
	if (!code && with_api)
		code = open_listener(s, &s->http, settings->listen, API_ALL, err);
	if (!code && settings->metrics_listen)
		code = open_listener(s, &s->health, settings->metrics_listen, API_HEALTH_ONLY, err);
	return code;
}

static void close_listener(struct listener *listener)
{
	http_server_free(listener->server);
	api_routes_done(&listener->routes);
}

static enum err_code open_all(struct server *s, const struct server_options *options, struct err *err)
{
	int failed = uv_loop_init(&s->loop);
	if (failed)
		return err_set_errno(err, ERR_SYSTEM, -failed, "could not start to work");
	s->has_loop = true;
	/* What a person has to mend is said before anything is made. */
	enum err_code code = open_models(s, options, err);
	if (!code)
		code = open_data(s, options->with_api, err);
	if (!code)
		code = open_worker(s, options, err);
	if (!code)
		code = open_health(s, options->with_api ? API_THREADS : HEALTH_THREADS, err);
	if (!code && options->with_api)
		code = open_api(s, err);
	return code ? code : open_listeners(s, options->with_api, err);
}

/* -- closing ------------------------------------------------------------------------------------------ */

static void close_all(struct server *s)
{
	if (!s->has_loop)
		return;
	close_listener(&s->http);
	close_listener(&s->health);
	access_log_free(s->api.access_log);
	http_tls_free(s->tls);
	proxies_free(s->proxies);
	worker_close(s->worker);
	prober_close(s->api.prober);
	event_hub_close(s->api.hub);
	http_pool_free(s->api.passwords);
	http_pool_free(s->api.transfers);
	http_pool_free(s->api.pool);
	http_pool_free(s->pool);
	(void)uv_run(&s->loop, UV_RUN_DEFAULT);
	rights_watch_stop(s->api.rights);
	rights_watch_free(s->api.rights);
	access_cache_stop(s->api.access);
	accounts_close(s->accounts);
	db_close(s->db);
	db_close(s->api_db);
	access_cache_free(s->api.access);
	(void)uv_run(&s->loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&s->loop);
	part_queue_free(s->queue);
	blob_close(s->blobs);
	keyring_free(s->keyring);
	if (s->model_fd >= 0)
		(void)close(s->model_fd);
	if (s->vad_fd >= 0)
		(void)close(s->vad_fd);
}

enum err_code server_run(const struct settings *settings, const struct server_options *options, struct err *err)
{
	cleanup_free struct server *s = calloc(1, sizeof *s);
	if (!s)
		return err_set(err, ERR_NO_MEMORY, "no memory for a server");
	s->settings = settings;
	s->model_fd = s->vad_fd = -1;
	s->http_drained = !options->with_api;
	set_log_level(settings->log_level);
	harden();
	enum err_code code = open_all(s, options, err);
	if (code == ERR_OK)
		server_live(s);
	close_all(s);
	return code;
}
