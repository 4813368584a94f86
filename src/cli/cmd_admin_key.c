/* tiro admin key: the master key. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "accounts/rotation.h"
#include "cli/cmd_admin.h"
#include "cli/say.h"

static enum err_code run_rotate(struct admin *admin, struct err *err)
{
	char kept[PATH_MAX + 16] = "";
	uint64_t count = 0;
	enum err_code code = keyring_make_next(admin->keyring, err);
	if (!code)
		code = rotation_run(admin->db, admin->keyring, &count, err);
	if (code == ERR_NOT_FOUND)
		return err_set(err, code,
			       "there is no next master key: set master-key-next, master-key-next-file or "
			       "master-key-next-command");
	if (!code)
		code = keyring_promote(admin->keyring, kept, sizeof kept, err);
	if (code)
		return code;
	(void)printf("%" PRIu64 " keys are wrapped with the new master key\n", count);
	if (*kept) {
		cleanup_strbuf struct strbuf path = STRBUF_INIT(sizeof kept * 4);
		say_plain(&path, kept);
		(void)printf("the old master key is kept in %s: older backups need it\n", strbuf_str(&path));
	} else {
		(void)printf("put the next master key in the place of the first in all nodes' settings now\n");
	}
	return ERR_OK;
}

static const struct admin_verb verbs[] = {
	{ "key", "rotate", "", 0, "", "Puts a new master key in the place of the old", ADMIN_NEEDS_KEYS, run_rotate },
};
const struct admin_verbs admin_key = { verbs, ARRAY_LEN(verbs) };
