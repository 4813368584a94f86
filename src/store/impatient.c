#include "store/impatient.h"

#include <stdlib.h>

#include "store/db_priv.h"

struct impatient_db {
	struct db db; /* with the loop of */
	struct db *inner;
};

static enum err_code impatient_begin(struct db *db, struct err *err)
{
	(void)db, (void)err;
	return ERR_OK;
}

static enum err_code impatient_start(struct db *db, struct db_job *job, struct err *err)
{
	struct db *inner = ((struct impatient_db *)db)->inner;
	job->is_impatient = true;
	return inner->ops->start(inner, job, err);
}

static enum err_code impatient_listen(struct db *db, struct err *err)
{
	struct db *inner = ((struct impatient_db *)db)->inner;
	return inner->ops->listen(inner, err);
}

static void impatient_close(struct db *db)
{
	free(db);
}

static const struct db_ops impatient_ops = {
	.begin = impatient_begin, .close = impatient_close, .start = impatient_start, .listen = impatient_listen
};

enum err_code impatient_open(struct db *inner, struct db **ret, struct err *err)
{
	struct impatient_db *impatient = calloc(1, sizeof *impatient);
	if (!impatient)
		return err_set(err, ERR_NO_MEMORY, "no memory for a database");
	impatient->db = *inner;
	impatient->db.ops = &impatient_ops;
	impatient->db.is_view = true;
	impatient->inner = inner;
	*ret = (struct db *)impatient;
	return ERR_OK;
}
