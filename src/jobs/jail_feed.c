#include "jobs/jail_feed.h"

#include <string.h>

#include "base/cleanup.h"

static void answer(struct jail_feed *feed, const void *bytes, size_t len, const struct err *why)
{
	struct jail_read *read = feed->reads[0];
	feed->count--;
	memmove(feed->reads, feed->reads + 1, feed->count * sizeof feed->reads[0]);
	jail_read_done(read, bytes, len, why);
}

static void want_next(struct jail_feed *feed)
{
	if (feed->count > 0)
		reader_want(feed->reader, feed->reads[0]->offset, feed->reads[0]->len);
}

static void on_read(void *ctx, struct jail_read *read)
{
	struct jail_feed *feed = ctx;
	struct err err;
	if (feed->count == JAIL_FEED_READS_MAX || !feed->reader) {
		(void)err_set(&err, ERR_INTERNAL, "too many ranges are asked for");
		jail_read_done(read, NULL, 0, &err);
		return;
	}
	feed->reads[feed->count++] = read;
	if (feed->count == 1)
		want_next(feed);
}

static void on_bytes(void *owner, const void *bytes, size_t len, const struct err *why)
{
	struct jail_feed *feed = owner;
	bool ok = why->code == ERR_OK;
	answer(feed, ok ? bytes : NULL, ok ? len : 0, why);
	if (feed->reader)
		want_next(feed);
}

static void on_open(void *owner, const struct vault_info *info, const struct err *why)
{
	struct jail_feed *feed = owner;
	if (why->code == ERR_OK)
		feed->source = (struct jail_source){ .size = info->plain_bytes, .read = on_read, .ctx = feed };
	feed->on_open(feed->owner, why);
}

static const struct reader_events reader_callbacks = { .on_open = on_open, .on_bytes = on_bytes };

enum err_code jail_feed_open(struct jail_feed *feed, const struct jail_feed_spec *spec, struct err *err)
{
	*feed = (struct jail_feed){ .on_open = spec->on_open, .owner = spec->owner };
	return reader_new(spec->files, spec->pool, &spec->file, &reader_callbacks, feed, &feed->reader, err);
}

void jail_feed_close(struct jail_feed *feed)
{
	struct err gone;
	(void)err_set(&gone, ERR_CANCELLED, "the file is closed");
	reader_close(steal_ptr(&feed->reader));
	while (feed->count > 0)
		answer(feed, NULL, 0, &gone);
}
