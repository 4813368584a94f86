#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "http/handler.h"
#include "http/route.h"

enum { NONE = -1 };

/* One segment. Nodes refer to each other by index, because the array grows. */
struct node {
	const char *segment; /* in the route's pattern; NULL for a parameter */
	size_t len;
	int next; /* sibling */
	int child; /* first fixed one */
	int param; /* the child that takes any segment */
	int rows[HTTP_METHOD_COUNT];
};

struct http_router {
	const struct http_route *routes;
	struct node *nodes; /* owned; 0 is the root */
	size_t count;
};

struct search {
	const struct http_router *router;
	struct http_match *match;
};

static const char *const method_names[] = { [HTTP_METHOD_OTHER] = "OTHER",
#define X(name) [HTTP_METHOD_##name] = #name,
					    HTTP_METHOD_TABLE(X)
#undef X
};

const char *http_method_name(enum http_method method)
{
	return method < HTTP_METHOD_COUNT ? method_names[method] : method_names[HTTP_METHOD_OTHER];
}

/* Takes the next segment off *path; an empty one stands for the end. */
static struct http_text take_segment(struct http_text *path)
{
	struct http_text segment = { path->at, 0 };
	if (path->len == 0 || path->at[0] != '/')
		return segment;
	segment.at = path->at + 1;
	const char *slash = memchr(segment.at, '/', path->len - 1);
	segment.len = slash ? (size_t)(slash - segment.at) : path->len - 1;
	path->at += segment.len + 1;
	path->len -= segment.len + 1;
	return segment;
}

/* -- compiling ----------------------------------------------------------------------------------- */

static int add_node(struct http_router *router, struct http_text segment)
{
	struct node *node = &router->nodes[router->count];
	*node = (struct node){ .segment = segment.at, .len = segment.len, .next = NONE, .child = NONE, .param = NONE };
	for (size_t i = 0; i < HTTP_METHOD_COUNT; i++)
		node->rows[i] = NONE;
	return (int)router->count++;
}

static int find_child(const struct http_router *router, int parent, struct http_text segment)
{
	int child = router->nodes[parent].child;
	while (child != NONE) {
		const struct node *node = &router->nodes[child];
		if (node->len == segment.len && memcmp(node->segment, segment.at, segment.len) == 0)
			break;
		child = node->next;
	}
	return child;
}

/* The child for a segment of a pattern, made where it is missing. */
static int descend(struct http_router *router, int parent, struct http_text segment)
{
	if (segment.at[0] == '{') {
		if (router->nodes[parent].param == NONE) {
			int added = add_node(router, (struct http_text){ NULL, 0 });
			router->nodes[parent].param = added;
		}
		return router->nodes[parent].param;
	}
	int child = find_child(router, parent, segment);
	if (child == NONE) {
		child = add_node(router, segment);
		router->nodes[child].next = router->nodes[parent].child;
		router->nodes[parent].child = child;
	}
	return child;
}

static bool is_param(struct http_text segment)
{
	return segment.len > 2 && segment.at[0] == '{' && segment.at[segment.len - 1] == '}' &&
	       !memchr(segment.at + 1, '{', segment.len - 1);
}

/* Well-formed, and within the limits of segments and parameters. */
static bool pattern_is_sound(const char *pattern)
{
	struct http_text rest = { pattern, strlen(pattern) };
	size_t segments = 0, params = 0;
	if (pattern[0] != '/' || strpbrk(pattern, "%?# "))
		return false;
	while (rest.len > 1) {
		struct http_text segment = take_segment(&rest);
		bool braces = memchr(segment.at, '{', segment.len) || memchr(segment.at, '}', segment.len);
		if (segment.len == 0 || (braces && !is_param(segment)))
			return false;
		segments++;
		params += braces;
	}
	return segments <= HTTP_SEGMENTS_MAX && params <= HTTP_PARAMS_MAX;
}

static enum err_code row_error(const struct http_route *route, size_t index, const char *what, struct err *err)
{
	return err_set(err, ERR_INVALID, "route %zu (%s \"%s\") %s", index, http_method_name(route->method),
		       route->pattern ? route->pattern : "", what);
}

static enum err_code check_row(const struct http_route *route, size_t index, struct err *err)
{
	if (route->method <= HTTP_METHOD_OTHER || route->method >= HTTP_METHOD_COUNT)
		return row_error(route, index, "has no method", err);
	if (!route->pattern || !pattern_is_sound(route->pattern))
		return row_error(route, index, "has no sound pattern", err);
	if (route->scope == 0)
		return row_error(route, index, "does not say who may use it", err);
	if (!route->operation_id || !route->operation_id[0])
		return row_error(route, index, "has no operation id", err);
	if (!route->handler || (!route->handler->on_start && !route->handler->on_end))
		return row_error(route, index, "has no handler", err);
	if ((route->body != HTTP_BODY_NONE) != (route->body_max > 0))
		return row_error(route, index, "has a body without a limit, or a limit without a body", err);
	if (route->handler->on_end && !route->handler->on_body && route->body_max > HTTP_COLLECTED_MAX)
		return row_error(route, index, "would collect too large a body in memory", err);
	return ERR_OK;
}

static enum err_code add_row(struct http_router *router, size_t index, struct err *err)
{
	const struct http_route *route = &router->routes[index];
	enum err_code code = check_row(route, index, err);
	if (code)
		return code;
	struct http_text rest = { route->pattern, strlen(route->pattern) };
	int node = 0;
	while (rest.len > 1)
		node = descend(router, node, take_segment(&rest));
	if (router->nodes[node].rows[route->method] != NONE)
		return row_error(route, index, "is there twice", err);
	router->nodes[node].rows[route->method] = (int)index;
	return ERR_OK;
}

enum err_code http_router_new(const struct http_route *routes, size_t count, struct http_router **ret, struct err *err)
{
	assert(count < INT32_MAX / HTTP_SEGMENTS_MAX - 1);
	struct http_router *router = calloc(1, sizeof *router);
	if (router)
		router->nodes = calloc(count * HTTP_SEGMENTS_MAX + 1, sizeof *router->nodes);
	enum err_code code = ERR_OK;
	if (!router || !router->nodes) {
		code = err_set(err, ERR_NO_MEMORY, "no memory for the routes");
	} else {
		router->routes = routes;
		(void)add_node(router, (struct http_text){ "", 0 });
	}
	for (size_t i = 0; i < count && !code; i++)
		code = add_row(router, i, err);
	if (code) {
		http_router_free(router);
		return code;
	}
	struct node *exact = realloc(router->nodes, router->count * sizeof *exact);
	router->nodes = exact ? exact : router->nodes;
	*ret = router;
	return ERR_OK;
}

void http_router_free(struct http_router *router)
{
	if (!router)
		return;
	free(router->nodes);
	free(router);
}

/* -- matching ------------------------------------------------------------------------------------ */

static bool has_rows(const struct node *node)
{
	for (size_t i = 0; i < HTTP_METHOD_COUNT; i++) {
		if (node->rows[i] != NONE)
			return true;
	}
	return false;
}

/* The node for the rest of a path, or NONE. Depth is bounded by the patterns, and so by HTTP_SEGMENTS_MAX. */
static int walk(const struct search *s, int at, struct http_text rest)
{
	const struct node *node = &s->router->nodes[at];
	if (rest.len <= 1)
		return has_rows(node) ? at : NONE;
	struct http_text segment = take_segment(&rest);
	if (segment.len == 0)
		return NONE;
	int child = find_child(s->router, at, segment);
	int found = child == NONE ? NONE : walk(s, child, rest);
	if (found != NONE || node->param == NONE)
		return found;
	size_t mark = s->match->param_count;
	s->match->params[s->match->param_count++] = segment;
	found = walk(s, node->param, rest);
	if (found == NONE)
		s->match->param_count = mark;
	return found;
}

void http_router_match(const struct http_router *router, struct http_text path, enum http_method method,
		       struct http_match *ret)
{
	const struct search search = { router, ret };
	ret->route = NULL;
	ret->allowed = 0;
	ret->param_count = 0;
	int found = path.len > 0 && path.at[0] == '/' ? walk(&search, 0, path) : NONE;
	if (found == NONE)
		return;
	const int *rows = router->nodes[found].rows;
	for (unsigned i = 0; i < HTTP_METHOD_COUNT; i++)
		ret->allowed |= rows[i] != NONE ? 1U << i : 0;
	if (ret->allowed & 1U << HTTP_METHOD_GET)
		ret->allowed |= 1U << HTTP_METHOD_HEAD;
	int row = rows[method];
	if (row == NONE && method == HTTP_METHOD_HEAD)
		row = rows[HTTP_METHOD_GET];
	if (row != NONE)
		ret->route = &router->routes[row];
}

const struct http_text *http_match_param(const struct http_match *match, const char *name)
{
	size_t index = 0;
	struct http_text rest = { match->route ? match->route->pattern : "", 0 };
	rest.len = strlen(rest.at);
	while (rest.len > 1) {
		struct http_text segment = take_segment(&rest);
		if (segment.at[0] != '{')
			continue;
		if (segment.len == strlen(name) + 2 && memcmp(segment.at + 1, name, segment.len - 2) == 0)
			return index < match->param_count ? &match->params[index] : NULL;
		index++;
	}
	return NULL;
}
