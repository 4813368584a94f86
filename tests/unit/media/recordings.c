#include "recordings.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

enum { RECORDING_MAX = 64 * 1024 * 1024 };

bool recording_sample_path(const char *name, char *ret)
{
	const char *folder = getenv("TIRO_SAMPLES");
	(void)snprintf(ret, PATH_MAX, "%s/%s", folder ? folder : SOURCE_ROOT "/../shared/samples", name);
	return access(ret, R_OK) == 0;
}

static enum err_code read_memory(void *ctx, uint64_t offset, void *buffer, size_t len, size_t *ret_len, struct err *err)
{
	struct recording *recording = ctx;
	recording->reads++;
	if (recording->fail_at > 0 && offset + len > recording->fail_at)
		return err_set(err, ERR_IO, "the disk is on fire");
	size_t left = offset < recording->bytes.len ? recording->bytes.len - (size_t)offset : 0;
	*ret_len = len < left ? len : left;
	if (*ret_len > 0)
		memcpy(buffer, recording->bytes.data + offset, *ret_len);
	return ERR_OK;
}

void recording_ready(struct recording *recording)
{
	recording->input = (struct media_input){ .size = recording->bytes.len, .read = read_memory, .ctx = recording };
}

void recording_load(struct recording *recording, const char *path)
{
	struct err err;
	*recording = (struct recording){ .bytes = STRBUF_INIT(RECORDING_MAX) };
	if (io_read_file(path, &recording->bytes, &err) != ERR_OK) {
		(void)fprintf(stderr, "%s\n", err.message);
		abort();
	}
	recording_ready(recording);
}

void recording_done(struct recording *recording)
{
	strbuf_done(&recording->bytes);
}

static void add_le(struct strbuf *out, uint32_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		strbuf_add_char(out, (char)(value >> (8 * i) & 0xFF));
}

void recording_wav_header(struct strbuf *out, int channels, int rate, int bits, uint32_t data_bytes)
{
	strbuf_add_str(out, "RIFF");
	add_le(out, 36 + data_bytes, 4);
	strbuf_add_str(out, "WAVEfmt ");
	add_le(out, 16, 4);
	add_le(out, 1, 2);
	add_le(out, (uint32_t)channels, 2);
	add_le(out, (uint32_t)rate, 4);
	add_le(out, (uint32_t)((int64_t)rate * channels * bits / 8), 4);
	add_le(out, (uint32_t)(channels * bits / 8), 2);
	add_le(out, (uint32_t)bits, 2);
	strbuf_add_str(out, "data");
	add_le(out, data_bytes, 4);
}

void recording_tone(struct recording *recording, const struct recording_tone *tone)
{
	*recording = (struct recording){ .bytes = STRBUF_INIT(RECORDING_MAX) };
	int count = (int)(tone->seconds * tone->rate);
	recording_wav_header(&recording->bytes, tone->channels, tone->rate, 16, (uint32_t)(count * tone->channels * 2));
	for (int i = 0; i < count; i++) {
		double value = sin(2 * M_PI * (double)tone->hz * i / tone->rate);
		for (int c = 0; c < tone->channels; c++) {
			int16_t sample = (int16_t)lrint(value * (double)tone->amplitude[c] * 32767);
			add_le(&recording->bytes, (uint16_t)sample, 2);
		}
	}
	recording_ready(recording);
}
