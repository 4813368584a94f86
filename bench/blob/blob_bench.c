/*
 * Measures a sealed object on its way in and out (blob/vault.h): MB/s, cores used and memory, for data like a recording
 * and for data that cannot be compressed, into nothing and into a folder. Each line is measured in a process of its
 * own.
 *
 *     blob_bench [--mib N] [--dir DIR] [--file FILE]
 *
 * DIR is where the folder is made (default: the current one); FILE's bytes, over and over, are one more kind of data.
 */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "blob/blob_priv.h"
#include "blob/local.h"
#include "blob/vault.h"

enum { SOURCE_BYTES = 4 << 20, PIECE_BYTES = 64 << 10 };

static _Noreturn void die(const struct err *err)
{
	(void)fprintf(stderr, "error: %s\n", err->message);
	exit(1);
}

/* -- a store that forgets ------------------------------------------------------------------------ */

static enum err_code null_begin(struct blob_store *store, const char *key, struct blob_put **ret, struct err *err)
{
	(void)store, (void)key;
	*ret = calloc(1, sizeof **ret);
	return *ret ? ERR_OK : err_set(err, ERR_NO_MEMORY, "no memory");
}

static enum err_code null_write(struct blob_put *put, const void *bytes, size_t len, struct err *err)
{
	(void)put;
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	enum err_code code = io_write_all(fd, bytes, len, err);
	(void)close(fd);
	return code;
}

static enum err_code null_commit(struct blob_put *put, struct err *err)
{
	(void)err;
	free(put);
	return ERR_OK;
}

static void null_abort(struct blob_put *put)
{
	free(put);
}

static void null_close(struct blob_store *store)
{
	(void)store;
}

static const struct blob_ops null_ops = {
	.close = null_close,
	.put_begin = null_begin,
	.put_write = null_write,
	.put_commit = null_commit,
	.put_abort = null_abort,
};

/* -- data ---------------------------------------------------------------------------------------- */

static uint32_t next_random(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

/* 16-bit samples that zstd packs like speech, to about 0.7: noise under an envelope of syllables and pauses. */
static void make_wav_like(unsigned char *bytes)
{
	uint32_t x = 1;
	for (size_t i = 0; i < SOURCE_BYTES / 2; i++) {
		double envelope = 30 + 1500 * pow(fabs(sin((double)i / 5000)), 3);
		double sum = 0;
		for (int k = 0; k < 4; k++)
			sum += (double)next_random(&x) / UINT32_MAX - 0.5;
		int16_t sample = (int16_t)(sum * envelope);
		memcpy(bytes + 2 * i, &sample, 2);
	}
}

static void make_random(unsigned char *bytes)
{
	uint32_t x = 1;
	for (size_t i = 0; i < SOURCE_BYTES; i += 4) {
		uint32_t word = next_random(&x);
		memcpy(bytes + i, &word, 4);
	}
}

static void make_from_file(const char *path, unsigned char *bytes)
{
	struct err err;
	struct io_map map;
	if (io_map_file(path, &map, &err))
		die(&err);
	for (size_t i = 0; i < SOURCE_BYTES && map.size > 0; i++)
		bytes[i] = ((const unsigned char *)map.data)[i % map.size];
	io_unmap(&map);
}

/* -- measuring ----------------------------------------------------------------------------------- */

struct measure {
	double seconds, cpu_seconds, stored_part;
	long memory_kib; /* most that the process held beyond what it held at the start */
};

/* A line of /proc/self/status, in KiB. */
static long status_kib(const char *name)
{
	char line[256];
	long value = 0;
	FILE *status = fopen("/proc/self/status", "re");
	while (status && fgets(line, sizeof line, status)) {
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtol(line + strlen(name) + 1, NULL, 10);
	}
	if (status)
		(void)fclose(status);
	return value;
}

static double cpu_now(void)
{
	struct rusage usage;
	(void)getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static const struct data_key data_key = { { 1 } };

static void write_object(const struct vault_place *place, const struct vault_options *options,
			 const unsigned char *source, uint64_t total, struct measure *ret)
{
	struct err err;
	struct vault_writer *writer;
	struct vault_info info;
	if (vault_create(place, options, &writer, &err))
		die(&err);
	for (uint64_t done = 0; done < total; done += PIECE_BYTES) {
		if (vault_write(writer, source + done % SOURCE_BYTES, PIECE_BYTES, &err))
			die(&err);
	}
	if (vault_commit(writer, &info, &err))
		die(&err);
	ret->stored_part = (double)info.stored_bytes / (double)info.plain_bytes;
}

static void read_object(const struct vault_place *place, uint64_t total)
{
	struct err err;
	cleanup_vault_reader struct vault_reader *reader = NULL;
	cleanup_free unsigned char *piece = malloc(PIECE_BYTES);
	size_t len;
	if (!piece || vault_open(place, &reader, &err))
		die(&err);
	for (uint64_t done = 0; done < total; done += len) {
		if (vault_read(reader, (struct blob_range){ done, PIECE_BYTES }, piece, &len, &err))
			die(&err);
	}
}

struct job {
	const char *what, *data;
	const unsigned char *source;
	struct blob_store *store;
	struct vault_options options;
	uint64_t total;
	bool read;
};

/* Runs in a process of its own, so that the memory is that of this job. */
static struct measure run(const struct job *job)
{
	struct measure m = { 0 };
	int ends[2];
	(void)fflush(stdout);
	if (pipe(ends) != 0)
		exit(1);
	pid_t child = fork();
	if (child == 0) {
		const struct vault_place place = { .store = job->store, .key = "bench", .data_key = &data_key };
		long before = status_kib("VmRSS:");
		int clear = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
		if (clear >= 0 && write(clear, "5", 1) != 1)
			before = 0;
		int64_t start_us = clock_monotonic_us();
		double cpu = cpu_now();
		if (job->read)
			read_object(&place, job->total);
		else
			write_object(&place, &job->options, job->source, job->total, &m);
		m.seconds = (double)(clock_monotonic_us() - start_us) / 1e6;
		m.cpu_seconds = cpu_now() - cpu;
		m.memory_kib = status_kib("VmHWM:") - before;
		_exit(write(ends[1], &m, sizeof m) == sizeof m ? 0 : 1);
	}
	int status = 1;
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0 || read(ends[0], &m, sizeof m) != sizeof m)
		exit(1);
	(void)close(ends[0]);
	(void)close(ends[1]);
	return m;
}

static void measure_and_print(const struct job *job)
{
	struct measure m = run(job);
	double mb = (double)job->total / 1e6;
	(void)printf("%-34s %-14s %8.0f %8.2f %10.0f %8.1f %8.2f\n", job->what, job->data, mb / m.seconds,
		     m.cpu_seconds / m.seconds, mb / m.cpu_seconds, (double)m.memory_kib / 1024, m.stored_part);
}

static void measure_data(struct job job, struct blob_store *null, struct blob_store *local)
{
	job.store = null;
	job.what = "seal to /dev/null";
	measure_and_print(&job);
	job.options.algorithm = 2;
	job.what = "  with ChaCha20-Poly1305";
	measure_and_print(&job);
	job.options = (struct vault_options){ .coded = true };
	job.what = "  without compression";
	measure_and_print(&job);
	job.options = (struct vault_options){ 0 };
	job.store = local;
	job.what = "seal to a folder, flushed";
	measure_and_print(&job);
	job.read = true;
	job.what = "open from the folder";
	measure_and_print(&job);
	struct err err;
	if (blob_delete(local, "bench", &err))
		die(&err);
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "mib", required_argument, NULL, 'm' },
						 { "dir", required_argument, NULL, 'd' },
						 { "file", required_argument, NULL, 'f' },
						 { NULL, 0, NULL, 0 } };
	const char *dir = ".", *file = NULL;
	uint64_t mib = 1024;
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
		if (option == 'm')
			mib = strtoull(optarg, NULL, 10);
		else if (option == 'd')
			dir = optarg;
		else if (option == 'f')
			file = optarg;
		else
			return 64;
	}
	struct err err;
	struct blob_store null = { &null_ops }, *local;
	cleanup_strbuf struct strbuf path = STRBUF_INIT(4096);
	strbuf_addf(&path, "%s/blob-bench", dir);
	if (strbuf_check(&path, "the folder", &err) || blob_local_open(strbuf_str(&path), &local, &err))
		die(&err);
	cleanup_free unsigned char *source = malloc(SOURCE_BYTES);
	if (!source)
		return 1;
	(void)printf("%" PRIu64 " MiB; MB/s of plaintext, cores used, MB/s per core, MiB of memory, stored part\n",
		     mib);
	struct job job = { .source = source, .total = mib << 20 };
	make_wav_like(source);
	job.data = "like a WAV";
	measure_data(job, &null, local);
	make_random(source);
	job.data = "incompressible";
	measure_data(job, &null, local);
	if (file) {
		make_from_file(file, source);
		job.data = "the file";
		measure_data(job, &null, local);
	}
	blob_close(local);
	return 0;
}
