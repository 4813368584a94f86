#include "store/db_priv.h"

enum err_code stmt_map_number(struct stmt_map *map, const struct db_stmt *stmt, int *ret, struct err *err)
{
	/* Addresses are multiples of the alignment: the low bits tell nothing. */
	size_t slot = ((uintptr_t)stmt / sizeof(void *)) % STMT_MAP_MAX;
	for (int i = 0; i < STMT_MAP_MAX; i++, slot = (slot + 1) % STMT_MAP_MAX) {
		if (map->keys[slot] == stmt) {
			*ret = map->numbers[slot];
			return ERR_OK;
		}
		if (!map->keys[slot]) {
			map->keys[slot] = stmt;
			map->numbers[slot] = map->count;
			*ret = map->count++;
			return ERR_OK;
		}
	}
	return err_set(err, ERR_INTERNAL, "more statements than %d", STMT_MAP_MAX);
}
