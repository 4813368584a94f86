#include "jobs/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

/* A notice is the file's id, with GONE behind it where the file was deleted. */
#define CHANNEL "events"
#define GONE " gone"

/* Topics are found by their file's id, whose last bits are random. */
enum { BUCKETS = 1024 };

static const struct db_stmt insert_stmt = {
	.sql = "INSERT INTO events (file_id, name, data, created_at) VALUES ($1, $2, $3, $4)", .params = "btti"
};
/* A row without an event where there is none; no row where the file is gone, of which a notice may have been missed. */
static const struct db_stmt read_stmt = {
	.sql = "SELECT e.id, e.name, e.data FROM files f LEFT JOIN events e ON e.file_id = f.id AND e.id > $2 "
	       "WHERE f.id = $1 AND f.state <> 2 ORDER BY e.id LIMIT $3",
	.params = "bii"
};

enum err_code event_add(struct db_tx *tx, const struct uuid *file, const char *name, const char *data, struct err *err)
{
	char text[UUID_TEXT_SIZE];
	uuid_text(file, text);
	struct db_value params[] = { db_id(file), db_text(name), db_text(data), db_int(clock_wall_us()) };
	enum err_code code = db_post(tx, &insert_stmt, params, err);
	return code == ERR_OK ? db_notify(tx, CHANNEL, text, err) : code;
}

/* -- uploads ------------------------------------------------------------------------------------------------- */

static enum err_code add_upload(struct db_tx *tx, const struct uuid *file, const char *name, double progress,
				uint64_t bytes, struct err *err)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT(EVENT_DATA_MAX);
	struct json json = JSON_INIT(&text);
	json_object(&json);
	json_key_real(&json, "progress", progress, 4);
	json_key_int(&json, "bytes_processed", (int64_t)bytes);
	json_object_end(&json);
	if (strbuf_check(&text, "an event", err) != ERR_OK)
		return err->code;
	return event_add(tx, file, name, strbuf_str(&text), err);
}

enum err_code event_add_uploaded(struct db_tx *tx, const struct uuid *file, uint64_t bytes, struct err *err)
{
	return add_upload(tx, file, "uploaded", 1, bytes, err);
}

struct upload_call {
	const struct uuid *file;
	uint64_t bytes, total_bytes;
};

static enum err_code run_upload(struct db_tx *tx, void *arg, struct err *err)
{
	const struct upload_call *call = arg;
	/* The announced size counts the form around the file too. */
	double progress = call->total_bytes > 0 ? (double)call->bytes / (double)call->total_bytes : 0;
	return add_upload(tx, call->file, "upload_progress", progress < 1 ? progress : 1, call->bytes, err);
}

enum err_code event_tell_upload(struct db *db, const struct uuid *file, uint64_t bytes, uint64_t total_bytes,
				struct err *err)
{
	struct upload_call call = { file, bytes, total_bytes };
	struct db_work work = { .mode = DB_WRITE_RELAXED, .run = run_upload, .arg = &call };
	return db_run(db, &work, err);
}

enum err_code event_tell_gone(struct db_tx *tx, const struct uuid *file, struct err *err)
{
	char id[UUID_TEXT_SIZE];
	char text[UUID_TEXT_SIZE + sizeof GONE];
	uuid_text(file, id);
	(void)snprintf(text, sizeof text, "%s" GONE, id);
	return db_notify(tx, CHANNEL, text, err);
}

/* -- the hub ----------------------------------------------------------------------------------------------- */

struct follower {
	struct follower *next;
	struct topic *topic;
	int64_t last_id;
	void (*on_event)(void *owner, const struct event *event);
	void (*on_caught_up)(void *owner); /* NULL: not asked for */
	void *owner;
	bool gone; /* freed at the end of the delivery that runs */
};

/* A file that somebody follows, and the reading of its events. */
struct topic {
	struct topic *next; /* of its bucket */
	struct event_hub *hub;
	struct uuid file;
	struct follower *followers;
	bool reading; /* the database has it */
	bool again; /* something came meanwhile */
	bool delivering;
	int64_t from_id; /* of the reading */
	struct db_rows rows;
};

struct event_hub {
	struct db *db;
	struct db_listener *listener;
	struct topic *buckets[BUCKETS];
	size_t topics;
	bool closed;
};

static struct topic **bucket_of(struct event_hub *hub, const struct uuid *file)
{
	unsigned hash = (unsigned)file->bytes[14] << 8 | file->bytes[15];
	return &hub->buckets[hash % BUCKETS];
}

static struct topic *find_topic(struct event_hub *hub, const struct uuid *file)
{
	struct topic *topic = *bucket_of(hub, file);
	while (topic && memcmp(&topic->file, file, sizeof *file) != 0)
		topic = topic->next;
	return topic;
}

static void free_hub_if_done(struct event_hub *hub)
{
	if (hub->closed && hub->topics == 0)
		free(hub);
}

static void drop_topic_if_unused(struct topic *topic)
{
	if (topic->followers || topic->reading || topic->delivering)
		return;
	struct event_hub *hub = topic->hub;
	struct topic **link = bucket_of(hub, &topic->file);
	while (*link != topic)
		link = &(*link)->next;
	*link = topic->next;
	hub->topics--;
	db_rows_done(&topic->rows);
	free(topic);
	free_hub_if_done(hub);
}

/* -- reading ------------------------------------------------------------------------------------------------ */

static enum err_code run_read(struct db_tx *tx, void *arg, struct err *err)
{
	struct topic *topic = arg;
	struct db_value params[] = { db_id(&topic->file), db_int(topic->from_id), db_int(EVENTS_PER_READ) };
	return db_query(tx, &read_stmt, params, &topic->rows, err);
}

static void deliver_to(struct follower *follower, const struct db_rows *rows)
{
	for (size_t i = 0; i < rows->count && !follower->gone; i++) {
		if (db_is_null(rows, i, 0))
			continue;
		struct event event = { db_get_int(rows, i, 0), db_get_text(rows, i, 1), db_get_text(rows, i, 2) };
		if (event.id <= follower->last_id)
			continue;
		follower->last_id = event.id;
		follower->on_event(follower->owner, &event);
	}
}

static void tell_caught_up(const struct topic *topic)
{
	for (struct follower *f = topic->followers; f; f = f->next) {
		if (!f->gone && f->on_caught_up)
			f->on_caught_up(f->owner);
	}
}

static void remove_gone(struct topic *topic)
{
	for (struct follower **link = &topic->followers; *link;) {
		struct follower *follower = *link;
		if (!follower->gone) {
			link = &follower->next;
			continue;
		}
		*link = follower->next;
		free(follower);
	}
}

static void read_topic(struct topic *topic);

static void tell_gone(struct topic *topic)
{
	topic->delivering = true;
	for (struct follower *f = topic->followers; f; f = f->next) {
		if (!f->gone)
			f->on_event(f->owner, &(struct event){ .id = f->last_id });
	}
	topic->delivering = false;
	remove_gone(topic);
	drop_topic_if_unused(topic);
}

static void on_read(void *arg, enum err_code code, const struct err *err)
{
	struct topic *topic = arg;
	topic->reading = false;
	if (code != ERR_OK) {
		/* The next notice, or the one that tells of a connection that is back, tries again. */
		log_line(LOG_WARNING, "events could not be read: %s", err->message);
	} else if (topic->rows.count == 0) {
		tell_gone(topic);
		return;
	} else {
		topic->delivering = true;
		for (struct follower *f = topic->followers; f; f = f->next)
			deliver_to(f, &topic->rows);
		topic->again |= topic->rows.count == EVENTS_PER_READ;
		if (!topic->again)
			tell_caught_up(topic);
		topic->delivering = false;
	}
	remove_gone(topic);
	if (topic->again && topic->followers)
		read_topic(topic);
	drop_topic_if_unused(topic);
}

/* From the one who has seen least: what the others have seen they are not told again. */
static void read_topic(struct topic *topic)
{
	topic->again = topic->reading;
	if (topic->reading)
		return;
	topic->from_id = INT64_MAX;
	for (const struct follower *f = topic->followers; f; f = f->next)
		topic->from_id = f->last_id < topic->from_id ? f->last_id : topic->from_id;
	struct err err;
	struct db_work work = { .mode = DB_READ, .is_single = true, .run = run_read, .done = on_read, .arg = topic };
	topic->reading = db_submit(topic->hub->db, &work, &err) == ERR_OK;
	if (!topic->reading)
		log_line(LOG_WARNING, "events could not be read: %s", err.message);
}

static void on_notice(void *arg, const char *text)
{
	struct event_hub *hub = arg;
	struct uuid file;
	if (text && strlen(text) >= UUID_TEXT_SIZE - 1 && uuid_parse(text, UUID_TEXT_SIZE - 1, &file)) {
		struct topic *topic = find_topic(hub, &file);
		if (topic && text[UUID_TEXT_SIZE - 1] != '\0')
			tell_gone(topic);
		else if (topic)
			read_topic(topic);
		return;
	}
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct topic *topic = hub->buckets[i]; topic; topic = topic->next)
			read_topic(topic);
	}
}

enum err_code event_hub_new(struct db *db, struct event_hub **ret, struct err *err)
{
	struct event_hub *hub = calloc(1, sizeof *hub);
	if (!hub)
		return err_set(err, ERR_NO_MEMORY, "no memory for events");
	hub->db = db;
	if (db_listen(db, CHANNEL, on_notice, hub, &hub->listener, err) != ERR_OK) {
		free(hub);
		return err->code;
	}
	*ret = hub;
	return ERR_OK;
}

void event_hub_close(struct event_hub *hub)
{
	if (!hub)
		return;
	db_unlisten(hub->listener);
	hub->closed = true;
	free_hub_if_done(hub);
}

/* -- followers ------------------------------------------------------------------------------------------------ */

static struct topic *get_topic(struct event_hub *hub, const struct uuid *file)
{
	struct topic *topic = find_topic(hub, file);
	if (topic)
		return topic;
	topic = calloc(1, sizeof *topic);
	if (!topic)
		return NULL;
	topic->hub = hub;
	topic->file = *file;
	topic->rows = (struct db_rows)DB_ROWS_INIT;
	struct topic **bucket = bucket_of(hub, file);
	topic->next = *bucket;
	*bucket = topic;
	hub->topics++;
	return topic;
}

enum err_code event_follow(struct event_hub *hub, const struct uuid *file, int64_t after_id,
			   void (*on_event)(void *owner, const struct event *event), void *owner, struct follower **ret,
			   struct err *err)
{
	struct follower *follower = calloc(1, sizeof *follower);
	struct topic *topic = follower ? get_topic(hub, file) : NULL;
	if (!topic) {
		free(follower);
		return err_set(err, ERR_NO_MEMORY, "no memory to follow a file");
	}
	*follower = (struct follower){
		.next = topic->followers, .topic = topic, .last_id = after_id, .on_event = on_event, .owner = owner
	};
	topic->followers = follower;
	read_topic(topic);
	*ret = follower;
	return ERR_OK;
}

void event_when_caught_up(struct follower *follower, void (*on_caught_up)(void *owner))
{
	follower->on_caught_up = on_caught_up;
}

void event_unfollow(struct follower *follower)
{
	if (!follower)
		return;
	struct topic *topic = follower->topic;
	follower->gone = true;
	if (topic->delivering)
		return;
	remove_gone(topic);
	drop_topic_if_unused(topic);
}
