#include "jobs/probe.h"

#include <stdlib.h>

#include "base/cleanup.h"

struct prober {
	struct prober_spec spec;
	struct probe *waiting, **waiting_end;
	struct probe *running;
	int running_count;
	uv_idle_t *soon; /* starts what waits, in a turn of the loop of its own; freed when it is closed */
};

static void start_soon(struct prober *prober);

/* -- one probe --------------------------------------------------------------------------------------- */

static void end(struct probe *probe, const struct err *why)
{
	struct prober *prober = probe->prober;
	struct probe **link = &prober->running;
	while (*link != probe)
		link = &(*link)->next;
	*link = probe->next;
	prober->running_count--;
	probe->why = *why;
	jail_close(steal_ptr(&probe->jail));
	jail_feed_close(&probe->feed);
	start_soon(prober);
	probe->done(probe);
}

static void on_audio_info(void *owner, const struct jail_audio_info *info)
{
	(void)owner;
	(void)info; /* the end tells the length, also where the header lies */
}

static void on_jail_end(void *owner, int64_t duration_us, const struct err *why)
{
	struct probe *probe = owner;
	probe->length_us = duration_us;
	struct err end_why = *why;
	end(probe, &end_why);
}

static const struct jail_events jail_callbacks = { .on_audio_info = on_audio_info, .on_end = on_jail_end };

static void on_open(void *owner, const struct err *why)
{
	static const struct jail_audio_options options = { .is_probe = true, .vad_fd = -1 };
	struct probe *probe = owner;
	struct err err = *why;
	if (err.code != ERR_OK || jail_open_audio(probe->prober->spec.loop, &probe->feed.source, &options,
						  &jail_callbacks, probe, &probe->jail, &err) != ERR_OK)
		end(probe, &err);
}

static void begin(struct prober *prober, struct probe *probe)
{
	struct err err;
	const struct jail_feed_spec spec = { .files = prober->spec.files,
					     .pool = prober->spec.pool,
					     .file = probe->file,
					     .on_open = on_open,
					     .owner = probe };
	probe->next = prober->running;
	prober->running = probe;
	prober->running_count++;
	if (jail_feed_open(&probe->feed, &spec, &err) != ERR_OK)
		end(probe, &err);
}

/* -- all of them ------------------------------------------------------------------------------------- */

static struct probe *take_waiting(struct prober *prober)
{
	struct probe *probe = prober->waiting;
	prober->waiting = probe->next;
	if (!prober->waiting)
		prober->waiting_end = &prober->waiting;
	return probe;
}

static void on_soon(uv_idle_t *idle)
{
	struct prober *prober = idle->data;
	(void)uv_idle_stop(idle);
	while (prober->waiting && prober->running_count < prober->spec.at_once)
		begin(prober, take_waiting(prober));
}

static void start_soon(struct prober *prober)
{
	if (prober->waiting && prober->running_count < prober->spec.at_once)
		(void)uv_idle_start(prober->soon, on_soon);
}

void probe_start(struct prober *prober, struct probe *probe)
{
	probe->prober = prober;
	probe->next = NULL;
	*prober->waiting_end = probe;
	prober->waiting_end = &probe->next;
	start_soon(prober);
}

enum err_code prober_new(const struct prober_spec *spec, struct prober **ret, struct err *err)
{
	cleanup_free struct prober *prober = calloc(1, sizeof *prober);
	if (!prober || !(prober->soon = malloc(sizeof *prober->soon)))
		return err_set(err, ERR_NO_MEMORY, "no memory to look into recordings");
	prober->spec = *spec;
	if (prober->spec.at_once == 0)
		prober->spec.at_once = PROBES_AT_ONCE;
	prober->waiting_end = &prober->waiting;
	(void)uv_idle_init(spec->loop, prober->soon);
	prober->soon->data = prober;
	*ret = steal_ptr(&prober);
	return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

void prober_close(struct prober *prober)
{
	struct err err;
	if (!prober)
		return;
	(void)err_set(&err, ERR_CANCELLED, "the server is stopping");
	while (prober->waiting) {
		struct probe *probe = take_waiting(prober);
		probe->why = err;
		probe->done(probe);
	}
	while (prober->running)
		end(prober->running, &err);
	uv_close((uv_handle_t *)prober->soon, on_closed);
	free(prober);
}
