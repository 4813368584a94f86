/*
 * What a dialect is: rows for the router, and the shape of its errors. A dialect translates: its handlers parse a
 * request, call the rooms below, and render what they say. It has no SQL, no file and no engine in it.
 */
#ifndef TIRO_API_DIALECT_H
#define TIRO_API_DIALECT_H

#include "base/strbuf.h"
#include "http/route.h"

/* A field of the request whose value is wrong, and what is wrong with it. */
struct api_fault {
	const char *field;
	const char *reason;
};

/* Something that went wrong, before it has a shape. Texts are borrowed; NULL where there is nothing to say. */
struct api_problem {
	int status; /* of HTTP */
	const char *code; /* the dialect's own word; NULL: the one for the status */
	const char *message; /* for the user; lower case, no full stop. NULL: what the status says */
	const struct api_fault *faults; /* all that is known; a dialect may name the first alone */
	size_t fault_count;
	const char *state; /* of the object, where that is what stands against the request */
};

struct api_dialect {
	const char *name;
	/* What its errors are for: paths that begin so, on the border of a segment, and have no longer prefix of
	 * another dialect. Ends with NULL. */
	const char *const *prefixes;
	const struct http_route *routes;
	size_t route_count;
	/* Writes the body of an error; `problem->message` is set. */
	void (*shape)(const struct api_problem *problem, struct strbuf *body);
};

/* All of them (api.c), those that a worker has too first. */
extern const struct api_dialect *const api_dialects[];
extern const size_t api_dialect_count;

extern const struct api_dialect api_health; /* /livez and /readyz, which a worker has too */
extern const struct api_dialect api_documents;
extern const struct api_dialect api_service;
extern const struct api_dialect api_gateway;
extern const struct api_dialect api_openai;

#endif
