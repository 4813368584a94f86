#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/strbuf.h"
#include "http/fetch_priv.h"

enum {
	/* An address and one header line; servers' own limits are 8 KiB. */
	NOTE_MAX = 16 * 1024,
	FILE_MODE = 0666
};

static enum err_code note_path(const char *partial_path, char ret[PATH_MAX], struct err *err)
{
	int n = snprintf(ret, PATH_MAX, "%s.from", partial_path);
	if (n < 0 || n >= PATH_MAX)
		return err_set(err, ERR_INVALID, "the path \"%s\" is too long", partial_path);
	return ERR_OK;
}

void fetch_note_load(const struct fetch_request *request, char ret[FETCH_VALIDATOR_MAX])
{
	char path[PATH_MAX];
	cleanup_strbuf struct strbuf note = STRBUF_INIT(NOTE_MAX);
	ret[0] = '\0';
	if (note_path(request->partial_path, path, NULL) || io_read_file(path, &note, NULL))
		return;
	size_t url_len = strlen(request->url);
	const char *text = strbuf_str(&note);
	if (strncmp(text, request->url, url_len) != 0 || text[url_len] != '\n')
		return;
	const char *validator = text + url_len + 1;
	size_t len = strcspn(validator, "\r\n");
	if (len < FETCH_VALIDATOR_MAX && validator[len] == '\n')
		(void)snprintf(ret, FETCH_VALIDATOR_MAX, "%.*s", (int)len, validator);
}

enum err_code fetch_note_save(const struct fetch_request *request, const char *validator, struct err *err)
{
	char path[PATH_MAX];
	enum err_code code = note_path(request->partial_path, path, err);
	if (code)
		return code;
	if (!validator[0]) {
		(void)unlink(path);
		return ERR_OK;
	}
	cleanup_strbuf struct strbuf note = STRBUF_INIT(NOTE_MAX);
	strbuf_addf(&note, "%s\n%s\n", request->url, validator);
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "could not create \"%s\"", path);
	code = strbuf_check(&note, "the address", err);
	return code ? code : io_write_all(fd, note.data, note.len, err);
}

void fetch_forget(const char *partial_path, bool and_file)
{
	char path[PATH_MAX];
	if (!note_path(partial_path, path, NULL))
		(void)unlink(path);
	if (and_file)
		(void)unlink(partial_path);
}
