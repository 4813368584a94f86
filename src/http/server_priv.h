/*
 * The inside of the server: what a server, a connection and a request hold, and which file does what to them.
 *
 * A connection (listen.c, conn.c) reads into the loop's one buffer (conn_io.c) and gives the bytes to llhttp (parse.c),
 * which stops at the end of each head and each message; there the request is checked, routed, authenticated and handed
 * to its handler (dispatch.c). Answers are appended to the connection's output (response.c, stream.c) and it is put on
 * the server's ready list, so that handlers may answer from anywhere; the list is worked off twice in each turn of the
 * loop (ready.c). Only conn_turn sends, ends requests and frees connections.
 */
#ifndef TIRO_HTTP_SERVER_PRIV_H
#define TIRO_HTTP_SERVER_PRIV_H

#include <llhttp.h>
#include <netinet/in.h>
#include <uv.h>

#include "http/deadline.h"
#include "http/form.h"
#include "http/peers.h"
#include "http/server.h"

struct ssl_st;

/* -- a request ------------------------------------------------------------------------------------- */

/* A header line: offsets of two texts, each ended by 0, in request_head.text. */
struct head_field {
	uint32_t name;
	uint32_t value;
};

/* What a request said before its body; given up when an event stream begins. */
struct request_head {
	struct strbuf text; /* the URL and the headers' names and values, each ended by 0 */
	struct head_field *fields; /* owned */
	uint32_t field_count;
	uint32_t field_capacity;
	uint32_t url_len;
	uint32_t start; /* of the text that is being received */
	bool in_value; /* of a field; else in a name, or in the URL */
	const char *path; /* decoded, ended by 0; into text */
	size_t path_len;
	struct form query;
	struct http_match match;
};

struct content;

struct http_request {
	struct http_conn *conn;
	struct request_head *head; /* owned; NULL once an event stream has begun */
	const struct http_route *route;
	void *context;
	void *principal;
	struct http_watch *watches;
	void (*on_drained)(struct http_request *request);
	struct content *content; /* owned; of a ranged answer */
	struct strbuf body; /* collected */
	struct strbuf added; /* header lines of the answer to come */
	uint64_t body_max;
	uint64_t length; /* announced; HTTP_LENGTH_UNKNOWN: chunked */
	uint64_t received;
	uint64_t rate_since_ms; /* from when and */
	uint64_t rate_from; /* which byte on the rate of the body counts */
	uint64_t stream_left; /* bytes that a streamed answer still owes; HTTP_LENGTH_UNKNOWN: chunked */
	uint64_t sent;
	int64_t start_us;
	uint32_t chunk_extras;
	uint16_t status; /* of the answer; 0: none has begun */
	uint8_t method; /* enum http_method */
	uint8_t outcome; /* enum http_outcome */
	bool is_secure; /* the client speaks TLS, to us or to its proxy */
	bool expects_continue;
	bool keep_alive; /* as far as the client is concerned */
	bool chunked; /* the answer */
	bool admitted; /* the handler was called, and is told of the end */
	bool complete; /* all of it was received */
	bool ended; /* all of the answer was given to the connection */
	bool paused;
	bool is_events;
	bool wants_drained; /* something was streamed since on_drained */
	struct in6_addr client; /* behind its proxies */
	char id[HTTP_REQUEST_ID_MAX + 1];
};

/* -- a connection ---------------------------------------------------------------------------------- */

enum conn_state {
	CONN_IDLE, /* between requests */
	CONN_HEAD,
	CONN_AUTH, /* the authenticator takes its time */
	CONN_BODY,
	CONN_ANSWER, /* the request is complete, its answer is not */
	CONN_CLOSING, /* the last answer is being sent */
	CONN_LINGER /* it is sent; what still comes is dropped */
};

/* Which of the server's queues a connection's deadline is in. */
enum conn_wait { WAIT_NONE, WAIT_HEAD, WAIT_REQUEST, WAIT_BODY, WAIT_SEND, WAIT_LINGER, WAIT_EVENTS, WAIT_COUNT };

/* Why llhttp stopped. */
enum parse_event { PARSE_NOTHING, PARSE_HEAD, PARSE_MESSAGE };

struct http_conn {
	uv_poll_t poll;
	struct http_server *server;
	struct http_conn *prev; /* all of the server's */
	struct http_conn *next;
	struct http_conn *next_ready;
	struct deadline deadline;
	llhttp_t parser;
	struct http_request *request; /* owned; NULL while idle */
	struct ssl_st *ssl; /* owned; NULL: plain */
	struct strbuf out; /* what waits to be sent, without memory while nothing does */
	size_t out_sent; /* bytes of it that are sent */
	char *ahead; /* owned; bytes that came before they could be parsed */
	uint32_t ahead_at;
	uint32_t ahead_len; /* from ahead_at on */
	struct in6_addr address; /* of who is connected */
	uint64_t send_since_ms; /* since when bytes wait, and */
	uint64_t send_bytes; /* how many were sent since then */
	uint32_t unconfirmed; /* bytes that the kernel still kept at the last look; UINT32_MAX: none since it took some
			       */
	int fd;
	uint8_t state; /* enum conn_state */
	uint8_t wait; /* enum conn_wait */
	uint8_t event; /* enum parse_event */
	uint8_t polled; /* uv_poll events that are watched */
	uint16_t fail_status; /* of a callback that stopped the parser */
	bool parser_paused;
	bool is_ready; /* on the ready list */
	bool in_turn; /* conn_turn will run at the end of this callback anyway */
	bool doomed; /* to be closed at once, by the next turn */
	bool progress; /* bytes moved in this turn */
	bool read_wants_write; /* TLS */
};

/* Counts a connection from an address, and no longer; a proxy stands for many clients, and is not counted. */
bool conn_enter(struct http_server *server, const struct in6_addr *address);
void conn_leave(struct http_server *server, const struct in6_addr *address);
void conn_new(struct http_server *server, int fd, const struct in6_addr *address);
/* Sends, ends what is complete, goes on with what is ahead; may free the connection. */
void conn_turn(struct http_conn *conn);
/* The deadline of the current wait has passed. May free the connection. */
void conn_expired(struct http_conn *conn);
/* Closes now. */
void conn_close(struct http_conn *conn);
/* What it waits for now gets its full time, even if it is what it waited for before. */
void conn_wait_anew(struct http_conn *conn);
/* Bytes that wait to be sent. */
size_t conn_waiting(const struct http_conn *conn);

/* -- conn_io.c --------------------------------------------------------------------------------------- */

bool conn_wants_to_read(const struct http_conn *conn);
/* Reads and parses what there is; the caller gives a turn afterwards. */
void conn_read(struct http_conn *conn);
/* Parses what came before it could be parsed. */
void conn_parse_ahead(struct http_conn *conn);
/* Sends what can be sent now. */
void conn_flush(struct http_conn *conn);
/* Whether the client has taken bytes, at the least rate, since this was asked last. */
bool conn_is_taking(struct http_conn *conn);

/* -- ready.c ----------------------------------------------------------------------------------------- */

/* Asks for a turn: output was appended, or a state changed. */
void conn_ready(struct http_conn *conn);
void ready_remove(struct http_conn *conn);
/* Starts the handles that work the list off. */
void ready_init(struct http_server *server);

/* -- parse.c ----------------------------------------------------------------------------------------- */

void parse_settings_init(llhttp_settings_t *settings);
/* Whether more of the input may be parsed now. */
bool parse_may_go_on(const struct http_conn *conn);
/* Parses up to `len` bytes; how many it has used up. */
size_t parse_bytes(struct http_conn *conn, const char *bytes, size_t len);

/* -- head.c ------------------------------------------------------------------------------------------ */

struct request_head *head_new(const struct http_limits *limits);
void head_free(struct request_head *head);
/* Parts of texts as they come. Return 0 or the status of the refusal. */
int head_add_url(struct request_head *head, const char *bytes, size_t len, const struct http_limits *limits);
int head_add_name(struct request_head *head, const char *bytes, size_t len, const struct http_limits *limits);
int head_add_value(struct request_head *head, const char *bytes, size_t len);
/* All is there: checks and splits the URL. 0, or the status with a reason. */
int head_finish(struct request_head *head, const char **ret_reason);
const char *head_get(const struct request_head *head, const char *name);
/* The last value of that name before field `*at`, which becomes its place; NULL: no more. Begin with the count of
 * fields.
 */
const char *head_get_before(const struct request_head *head, const char *name, uint32_t *at);
/* How many lines have that name. */
int head_count(const struct request_head *head, const char *name);
/* The name of a header that must come once (RFC 9110, section 5.3) and comes twice; NULL where none does. */
const char *head_twice(const struct request_head *head);
/* The path of a head that was refused before its end, as it was sent: for the shape of the error only. */
void head_rescue_path(struct request_head *head);

/* -- dispatch.c -------------------------------------------------------------------------------------- */

struct http_request *request_new(struct http_conn *conn);
/* The head is complete: checks, routes, authenticates, and hands it over. */
void request_begin(struct http_request *request);
/* Bytes of the body; 0 or the status of a refusal. */
int request_body(struct http_request *request, const char *bytes, size_t len);
/* The body has come at less than the least rate. */
bool request_is_too_slow(const struct http_request *request);
void request_complete(struct http_request *request);
/* Refuses the rest of it: an error answer where none has begun, else the connection breaks off. */
void request_fail(struct http_request *request, int status, const char *reason, enum http_outcome outcome);
/* Tells all who must know and frees it. */
void request_finish(struct http_request *request);

/* -- response.c -------------------------------------------------------------------------------------- */

/* Appends the head of an answer; `length` as for http_stream_begin. Returns false where no body may follow. */
bool response_head(struct http_request *request, const struct http_reply *reply, uint64_t length);
/* The answer is complete: settles whether the connection can be kept, and asks for a turn. */
void response_end(struct http_request *request);

/* -- content.c --------------------------------------------------------------------------------------- */

void content_free(struct content *content);

/* -- listen.c ---------------------------------------------------------------------------------------- */

struct listener;

/* Listeners rest while descriptors have run out. */
void listeners_wake(struct http_server *server);
bool listeners_rest(const struct http_server *server);
void listeners_close(struct http_server *server);

/* -- the server -------------------------------------------------------------------------------------- */

struct http_server {
	uv_loop_t *loop;
	const struct http_router *router;
	const struct http_server_ops *ops;
	void *owner;
	struct http_limits limits;
	struct http_tls *tls;
	const struct proxies *proxies;
	struct http_header *headers; /* owned, with their texts */
	size_t header_count;
	struct strbuf fixed; /* the same as lines */
	struct listener *listeners;
	struct peers *peers;
	struct http_conn *conns;
	size_t conn_count;
	struct http_conn *ready;
	struct http_conn **ready_end;
	size_t ready_count;
	struct deadline_queue queues[WAIT_COUNT]; /* that of WAIT_NONE is unused */
	llhttp_settings_t settings;
	uv_prepare_t prepare;
	uv_check_t check;
	uv_idle_t spin; /* active while the ready list has to be worked off without waiting */
	uv_timer_t sweep;
	int open_handles; /* of the four above, listeners and connections */
	char *buffer; /* HTTP_READ_BYTES */
	int64_t date_s;
	char date[32]; /* as in the Date header */
	uint8_t random[512]; /* for request ids; used from the end */
	size_t random_left;
	bool swept; /* the sweep timer runs */
	bool draining;
	bool drained; /* and that was told */
	uint64_t drain_until_ms;
};

uint64_t server_now_ms(const struct http_server *server);
void server_handle_closed(struct http_server *server);
/* Something has a deadline: a connection, a resting listener, a drain. */
void server_start_sweep(struct http_server *server);
/* A connection came or went. */
void server_conns_changed(struct http_server *server);
const char *server_date(struct http_server *server);
/* Fills the error's body by the owner's ops. */
void server_shape_error(const struct http_server *server, struct http_error *error);
/* Writes 32 hexadecimal digits and a 0. */
void server_make_id(struct http_server *server, char ret[HTTP_REQUEST_ID_MAX + 1]);

/* -- tls.c ------------------------------------------------------------------------------------------- */

/* NULL: no memory. */
struct ssl_st *tls_accept(struct http_tls *tls, int fd);
void tls_close(struct ssl_st *ssl);
/* As recv and send: -1 with EAGAIN where they must wait; *ret_wants_write: for the socket to be writable. */
ssize_t tls_recv(struct ssl_st *ssl, char *buffer, size_t len, bool *ret_wants_write);
ssize_t tls_send(struct ssl_st *ssl, const char *bytes, size_t len);
/* Bytes that are read from the socket and wait to be taken. */
bool tls_has_pending(const struct ssl_st *ssl);
/* Tells the other side that nothing more comes. */
void tls_shutdown(struct ssl_st *ssl);

#endif
