/* The bus's listeners, for bus.c, loop.c and db.c. The loop's thread only. */
#ifndef TIRO_STORE_BUS_PRIV_H
#define TIRO_STORE_BUS_PRIV_H

#include "store/db_priv.h"

struct db_listener {
	struct db_listener *next;
	void (*on_notice)(void *arg, const char *text); /* NULL: it has ended, and is freed at the next delivery */
	void *arg;
	char channel[64];
};

void bus_add(struct bus *bus, struct db_listener *listener);
void bus_drop_listeners(struct bus *bus);

#endif
