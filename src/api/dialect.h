/*
 * What a dialect is: rows for the router, and the shape of its errors. A dialect translates: its handlers parse a
 * request, call the rooms below, and render what they say. It has no SQL, no file and no engine in it.
 */
#ifndef TIRO_API_DIALECT_H
#define TIRO_API_DIALECT_H

#include "base/strbuf.h"
#include "http/route.h"

/* Something that went wrong, before it has a shape. Texts are borrowed; NULL where there is nothing to say. */
struct api_problem {
	int status; /* of HTTP */
	const char *code; /* the dialect's own word; NULL: the one for the status */
	const char *message; /* for the user; lower case, no full stop. NULL: what the status says */
	const char *field; /* of the request, whose value is wrong */
	const char *reason; /* what is wrong with it */
	const char *state; /* of the object, where that is what stands against the request */
};

struct api_dialect {
	const char *name;
	const struct http_route *routes;
	size_t route_count;
	/* Writes the body of an error; `problem->message` is set. */
	void (*shape)(const struct api_problem *problem, struct strbuf *body);
};

extern const struct api_dialect api_meta;
extern const struct api_dialect api_service;

#endif
