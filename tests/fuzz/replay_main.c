/*
 * Runs a fuzz target over files, without a fuzzer: what the fuzzers once found stays tested in every build.
 * Arguments are files or folders of files. No file at all is a failure, so that a lost corpus shows.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 16 * 1024 * 1024 };

static int replay_file(const char *path)
{
	cleanup_strbuf struct strbuf input = STRBUF_INIT(INPUT_MAX);
	struct err err;
	if (io_read_file(path, &input, &err) != ERR_OK) {
		(void)fprintf(stderr, "%s\n", err.message);
		return -1;
	}
	/* An exact copy, so that a sanitizer sees a read of even one byte too many. */
	cleanup_free uint8_t *copy = malloc(input.len > 0 ? input.len : 1);
	if (!copy)
		return -1;
	if (input.len > 0)
		memcpy(copy, input.data, input.len);
	(void)LLVMFuzzerTestOneInput(copy, input.len);
	return 1;
}

static int replay_folder(const char *path)
{
	DIR *dir = opendir(path);
	if (!dir) {
		perror(path);
		return -1;
	}
	int count = 0;
	for (const struct dirent *entry = readdir(dir); entry && count >= 0; entry = readdir(dir)) {
		if (entry->d_name[0] == '.')
			continue;
		cleanup_strbuf struct strbuf file = STRBUF_INIT(4096);
		strbuf_addf(&file, "%s/%s", path, entry->d_name);
		count = replay_file(strbuf_str(&file)) < 0 ? -1 : count + 1;
	}
	(void)closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	int total = 0;
	for (int i = 1; i < argc; i++) {
		struct stat st;
		bool folder = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode);
		int count = folder ? replay_folder(argv[i]) : replay_file(argv[i]);
		if (count < 0)
			return 1;
		total += count;
	}
	(void)printf("%d inputs\n", total);
	return total > 0 ? 0 : 1;
}
