/* Notices on their way to the listeners of this process. */
#include <stdlib.h>
#include <string.h>

#include "store/bus_priv.h"

enum {
	/* Notices that wait for the loop; beyond it listeners are told to look for themselves. */
	NOTICES_MAX = 10000
};

struct notice {
	struct notice *next;
	char *channel, *text; /* one allocation, this one */
};

struct bus {
	pthread_mutex_t mutex; /* of `first` to `is_missed` */
	struct notice *first, **tail;
	int count;
	bool is_missed;
	/* The loop's thread only. */
	struct db_listener *listeners;
};

struct bus *bus_new(void)
{
	struct bus *bus = calloc(1, sizeof *bus);
	if (!bus)
		return NULL;
	(void)pthread_mutex_init(&bus->mutex, NULL);
	bus->tail = &bus->first;
	return bus;
}

static void free_notices(struct notice *notice)
{
	while (notice) {
		struct notice *next = notice->next;
		free(notice);
		notice = next;
	}
}

void bus_free(struct bus *bus)
{
	if (!bus)
		return;
	free_notices(bus->first);
	(void)pthread_mutex_destroy(&bus->mutex);
	free(bus);
}

static struct notice *new_notice(const char *channel, const char *text)
{
	size_t channel_size = strlen(channel) + 1;
	size_t text_size = strlen(text) + 1;
	struct notice *notice = malloc(sizeof *notice + channel_size + text_size);
	if (!notice)
		return NULL;
	notice->next = NULL;
	notice->channel = (char *)(notice + 1);
	notice->text = notice->channel + channel_size;
	memcpy(notice->channel, channel, channel_size);
	memcpy(notice->text, text, text_size);
	return notice;
}

void bus_put(struct bus *bus, const char *channel, const char *text)
{
	struct notice *notice = text ? new_notice(channel, text) : NULL;
	(void)pthread_mutex_lock(&bus->mutex);
	if (notice && bus->count < NOTICES_MAX) {
		*bus->tail = notice;
		bus->tail = &notice->next;
		bus->count++;
		notice = NULL;
	} else {
		bus->is_missed = true;
	}
	(void)pthread_mutex_unlock(&bus->mutex);
	free(notice);
}

/* A listener may end itself or others while it is called: they are marked, and swept after. */
static void tell_listeners(struct bus *bus, const char *channel, const char *text)
{
	for (struct db_listener *l = bus->listeners; l; l = l->next) {
		if (l->on_notice && (!channel || strcmp(l->channel, channel) == 0))
			l->on_notice(l->arg, text);
	}
}

static void sweep(struct bus *bus)
{
	for (struct db_listener **link = &bus->listeners; *link;) {
		struct db_listener *l = *link;
		if (l->on_notice) {
			link = &l->next;
			continue;
		}
		*link = l->next;
		free(l);
	}
}

void bus_deliver(struct bus *bus)
{
	(void)pthread_mutex_lock(&bus->mutex);
	struct notice *first = bus->first;
	bool is_missed = bus->is_missed;
	bus->first = NULL;
	bus->tail = &bus->first;
	bus->count = 0;
	bus->is_missed = false;
	(void)pthread_mutex_unlock(&bus->mutex);
	for (const struct notice *n = first; n; n = n->next)
		tell_listeners(bus, n->channel, n->text);
	free_notices(first);
	if (is_missed)
		tell_listeners(bus, NULL, NULL);
	sweep(bus);
}

void bus_add(struct bus *bus, struct db_listener *listener)
{
	listener->next = bus->listeners;
	bus->listeners = listener;
}

void db_unlisten(struct db_listener *listener)
{
	if (listener)
		listener->on_notice = NULL;
}

void bus_drop_listeners(struct bus *bus)
{
	for (struct db_listener *l = bus->listeners; l; l = l->next)
		l->on_notice = NULL;
	sweep(bus);
}
