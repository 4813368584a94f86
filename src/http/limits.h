/*
 * Every limit that a client of the server can meet, with its reason. Those in struct http_limits are settings of a
 * server; the others are fixed.
 */
#ifndef TIRO_HTTP_LIMITS_H
#define TIRO_HTTP_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* -- settings: http_limits_default() gives these --------------------------------------------------- */

/* From the first byte of a request to the end of its headers, absolute: one byte now and then does not renew it.
 * Also the time for a TLS handshake. A request's head fits in a few packets; a phone on a bad line needs seconds. */
#define HTTP_HEAD_MS 10000
/* How long a connection may wait for its next request; browsers themselves give up after some minutes. */
#define HTTP_KEEP_ALIVE_MS 60000
/* Longest silence within a body that we want to read. */
#define HTTP_BODY_IDLE_MS 30000
/* Longest time in which a client takes none of the bytes that wait for it, or fewer than HTTP_MIN_RATE says. What it
 * has confirmed of the kernel's megabytes counts, so a slow reader is no stuck one; the first look is after this time,
 * the verdict after the second. */
#define HTTP_SEND_IDLE_MS 30000
/* After this long a body must have come, and an answer must have gone, at HTTP_MIN_RATE on average: who sends a byte
 * every few seconds (slowloris) holds a connection, but no longer than this. */
#define HTTP_RATE_GRACE_MS 10000
#define HTTP_MIN_RATE 256 /* bytes per second; the slowest mobile links give 1,000 */
/* How long a refused client's bytes are still read, so that it sees the answer and no reset (RFC 9112, section 9.6). */
#define HTTP_LINGER_MS 1000
/* An event stream gets a comment this often: proxies drop what is silent for a minute, some after 30 s. */
#define HTTP_EVENT_COMMENT_MS 15000
/* Connections in all: some 700 bytes each, and below the usual limit of descriptors once it is raised. */
#define HTTP_CONNECTIONS 10000
/* Connections from one address (IPv6: one /64). A browser opens six; an office behind one address some hundred. */
#define HTTP_PER_ADDRESS 1024
/* Bytes of a URL; other servers' limits are 8 KiB. */
#define HTTP_URL_MAX 8192
/* Bytes of a request's head, and its lines. */
#define HTTP_HEAD_MAX (32 * 1024)
#define HTTP_HEADERS_MAX 100
/* Bytes that wait to be sent on a stream whose client reads too slowly; above it the client is dropped. */
#define HTTP_STREAM_MAX (256 * 1024)

struct http_limits {
	uint32_t head_ms;
	uint32_t keep_alive_ms;
	uint32_t body_idle_ms;
	uint32_t send_idle_ms;
	uint32_t rate_grace_ms;
	uint32_t min_rate; /* bytes per second; 0: none is asked */
	uint32_t linger_ms;
	uint32_t event_comment_ms;
	uint32_t connections;
	uint32_t per_address; /* 0: as many as in all, for a server behind a proxy */
	uint32_t url_bytes;
	uint32_t head_bytes;
	uint32_t headers;
	uint32_t stream_bytes;
};

struct http_limits http_limits_default(void);

/* -- fixed ----------------------------------------------------------------------------------------- */

/* One read. Larger buffers were no faster (measured: 256 KiB); the loop has one, not each connection. */
#define HTTP_READ_BYTES (64 * 1024)
/* Reads of one connection before others get their turn: 16 gave neighbours of an upload ten times the delay. */
#define HTTP_READS_PER_TURN 4
/* Bytes kept of requests that a client sends before the answer to its last one; then it is read no further. */
#define HTTP_AHEAD_BYTES HTTP_READ_BYTES
/* A body that nobody wants is read and forgotten up to here, so that the connection can be kept. */
#define HTTP_IGNORED_BODY (64 * 1024)
/* A body that is collected in memory; what may be larger is streamed. */
#define HTTP_COLLECTED_MAX (4 * 1024 * 1024)
/* Names and values of all chunk extensions and trailers of one body, which nobody reads (CVE-2024-22019 of Node.js). */
#define HTTP_CHUNK_EXTRAS_MAX (16 * 1024)
/* A caller's X-Request-Id: a UUID has 36. A longer one is replaced. */
#define HTTP_REQUEST_ID_MAX 64
/* Parameters of one path, and its segments: the deepest path of any dialect has 3 and 7. */
#define HTTP_PARAMS_MAX 6
#define HTTP_SEGMENTS_MAX 16
/* Fields of a query or a form, and bytes of a form: HTML forms of people, not data. */
#define HTTP_FIELDS_MAX 200
#define HTTP_FORM_MAX (1024 * 1024)
/* multipart/form-data: parts, one part's head, and names. RFC 2046 bounds the boundary. */
#define HTTP_PARTS_MAX 100
#define HTTP_PART_HEAD_MAX 4096
#define HTTP_PART_NAME_MAX 256
#define HTTP_PART_FILENAME_MAX 1024 /* a file system's 255 characters in UTF-8 */
#define HTTP_BOUNDARY_MAX 70
/* A connection's output is never asked to hold more than this: a defect of ours, not of the client. */
#define HTTP_OUTPUT_MAX ((size_t)64 * 1024 * 1024)

#endif
