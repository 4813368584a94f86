/*
 * "Run this in the pool, then answer, unless the request is gone": what most handlers do.
 *
 *     struct get_job { struct api_call call; struct uuid id; struct job_row row; };       the call first
 *     static const struct api_call_kind get_job_kind = { .size = sizeof(struct get_job), .run = ..., .reply = ... };
 *
 *     struct get_job *c = api_call_new(request, &get_job_kind);
 *     if (c && api_param_id(request, "id", &c->id, ...)) ...
 *     api_call_start(&c->call);
 *
 * `run` is on a thread of the pool and must not touch the request; everything else is on the loop's. A client that goes
 * away does not stop `run`: what was asked for is done.
 */
#ifndef TIRO_API_CALL_H
#define TIRO_API_CALL_H

#include "api/api.h"
#include "api/input.h"

struct api_call;

struct api_call_kind {
	size_t size; /* of the struct that begins with a struct api_call */
	enum err_code (*run)(struct api_call *call, struct err *err);
	void (*reply)(struct api_call *call); /* it ran without error, and the request is there */
	/* It failed with call->err, and the request is there. NULL: api_fail_err. */
	void (*fail)(struct api_call *call);
	/* Releases what the call's struct owns; always the last. NULL: nothing. */
	void (*done)(struct api_call *call);
};

struct api_call {
	struct http_work work;
	struct http_watch watch;
	struct http_request *request; /* loop's thread only; NULL once it is gone */
	struct api *api;
	struct uuid user; /* who asks; zeros on a route for anybody */
	const struct api_call_kind *kind;
	struct err err;
};

/* A zeroed struct of kind->size. NULL: there was no memory, and the request is answered. */
void *api_call_new(struct http_request *request, const struct api_call_kind *kind);

/* Hands it to the pool, which owns it from then on. Where too many wait the request is answered with 503. */
void api_call_start(struct api_call *call);
void api_call_start_in(struct api_call *call, struct http_pool *pool);

/* The same for what goes on from an answer that may have begun: never refused. Its caller bounds it. */
void api_call_continue(struct api_call *call);

/* Starts it with what was read of the request; gives it up where that has failed, and is answered. */
void api_call_start_with(struct api_call *call, const struct api_input *in);

/* Gives it up before it was started: the request was answered otherwise. */
void api_call_drop(struct api_call *call);

#endif
