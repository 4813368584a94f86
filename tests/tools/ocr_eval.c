/*
 * Reads page images with the page reader and writes the raw text of each to OUT/NAME.txt, for scoring.
 *
 * Usage: ocr_eval [-j THREADS] [-m fast|high_accuracy] [-t TESSDATA] [-a MODELS] [-o OUT] < LIST
 * LIST has a line per page: FILE, and optionally a language hint ("-" or nothing: find out).
 * A line per page goes to standard output: name, CPU and wall milliseconds, language, rotation, confidence.
 */
#include <leptonica/allheaders.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "ocr/engine.h"

enum { MAX_PAGES = 1000, MAX_THREADS = 64 };

struct item {
	char file[512];
	char language[OCR_HINT_SIZE];
};

static struct item items[MAX_PAGES];
static int item_count, next_item;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *out_folder;
static enum ocr_mode mode = OCR_FAST;
static struct ocr_model *model;

static double cpu_ms(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Decodes an image file as the jail would: grey or RGB, 8 bits. The caller frees *ret_pixels. */
static bool load(const char *file, struct ocr_raster *ret, uint8_t **ret_pixels)
{
	PIX *any = pixRead(file);
	PIX *pix = any ? pixConvertTo8Or32(any, L_CLONE, 0) : NULL;

	pixDestroy(&any);
	if (!pix)
		return false;
	bool grey = pixGetDepth(pix) == 8;
	uint32_t width = (uint32_t)pixGetWidth(pix), height = (uint32_t)pixGetHeight(pix), channels = grey ? 1 : 3;
	uint8_t *pixels = malloc((size_t)width * height * channels), *to = pixels;

	for (uint32_t y = 0; pixels && y < height; y++) {
		l_uint32 *line = pixGetData(pix) + (size_t)y * (size_t)pixGetWpl(pix);

		for (uint32_t x = 0; x < width; x++) {
			if (grey) {
				*to++ = GET_DATA_BYTE(line, x);
				continue;
			}
			*to++ = GET_DATA_BYTE(line + x, COLOR_RED);
			*to++ = GET_DATA_BYTE(line + x, COLOR_GREEN);
			*to++ = GET_DATA_BYTE(line + x, COLOR_BLUE);
		}
	}
	*ret = (struct ocr_raster){ .width = width,
				    .height = height,
				    .channels = channels,
				    .stride = width * channels,
				    .dpi = (uint32_t)pixGetXRes(pix),
				    .pixels = pixels };
	*ret_pixels = pixels;
	pixDestroy(&pix);
	return pixels != NULL;
}

static void write_text(const char *name, const struct ocr_page *page)
{
	char path[1200];
	(void)snprintf(path, sizeof(path), "%s/%s.txt", out_folder, name);
	FILE *f = fopen(path, "w");

	if (!f)
		return;
	for (size_t i = 0; i < page->line_count; i++) {
		const struct ocr_line *line = &page->lines[i];

		for (uint32_t w = line->first_word; w < line->first_word + line->word_count; w++)
			fprintf(f, "%s%.*s", page->words[w].space_before ? " " : "", (int)page->words[w].text_len,
				ocr_word_text(page, &page->words[w]));
		fputc('\n', f);
	}
	(void)fclose(f);
}

static void read_one(struct ocr_session *session, const struct item *item)
{
	const char *name = strrchr(item->file, '/') ? strrchr(item->file, '/') + 1 : item->file;
	struct ocr_options options = { .mode = mode };
	struct ocr_raster raster;
	struct ocr_page page;
	struct err err;
	cleanup_free uint8_t *pixels = NULL;

	if (!load(item->file, &raster, &pixels)) {
		fprintf(stderr, "%s: cannot be read\n", item->file);
		return;
	}
	(void)snprintf(options.language, sizeof(options.language), "%s", item->language);
	double cpu = cpu_ms(CLOCK_THREAD_CPUTIME_ID), wall = cpu_ms(CLOCK_MONOTONIC);

	if (ocr_reader_engine.read(session, &raster, &options, NULL, NULL, &page, &err)) {
		fprintf(stderr, "%s: %s\n", item->file, err.message);
		return;
	}
	printf("%-28s cpu %5.0f wall %5.0f lang %-3s turn %3u skew %5.2f conf %.3f %s\n", name,
	       cpu_ms(CLOCK_THREAD_CPUTIME_ID) - cpu, cpu_ms(CLOCK_MONOTONIC) - wall, page.language, page.rotation,
	       (double)page.skew, (double)ocr_page_confidence(&page), page.source);
	(void)fflush(stdout);
	if (out_folder)
		write_text(name, &page);
	ocr_page_done(&page);
}

static void *work(void *unused)
{
	struct ocr_session *session;
	struct err err;

	if (ocr_reader_engine.session_open(model, &session, &err)) {
		fprintf(stderr, "%s\n", err.message);
		return unused;
	}
	for (;;) {
		(void)pthread_mutex_lock(&lock);
		int i = next_item++;

		(void)pthread_mutex_unlock(&lock);
		if (i >= item_count)
			break;
		read_one(session, &items[i]);
	}
	ocr_reader_engine.session_close(session);
	return unused;
}

static void read_list(void)
{
	char line[1024];

	while (item_count < MAX_PAGES && fgets(line, sizeof(line), stdin)) {
		struct item *item = &items[item_count];

		item->language[0] = 0;
		if (sscanf(line, "%511s %63s", item->file, item->language) < 1)
			continue;
		if (strcmp(item->language, "-") == 0)
			item->language[0] = 0;
		item_count++;
	}
}

int main(int argc, char **argv)
{
	struct ocr_model_spec spec = { 0 };
	char detector[1024], recogniser[1024];
	int threads = 1, option;
	struct err err;

	while ((option = getopt(argc, argv, "j:m:t:a:v:o:")) != -1) {
		if (option == 'j')
			threads = atoi(optarg) < MAX_THREADS ? atoi(optarg) : MAX_THREADS;
		else if (option == 'm')
			mode = strcmp(optarg, "fast") == 0 ? OCR_FAST : OCR_HIGH_ACCURACY;
		else if (option == 't')
			spec.tessdata = optarg;
		else if (option == 'o')
			out_folder = optarg;
		else if (option == 'v')
			spec.openvino = optarg;
		else if (option == 'a') {
			(void)snprintf(detector, sizeof(detector), "%s/ppocr-det.onnx", optarg);
			(void)snprintf(recogniser, sizeof(recogniser), "%s/ppocr-rec.onnx", optarg);
			spec.detector = detector;
			spec.recogniser = recogniser;
		} else
			return 64;
	}
	read_list();
	if (ocr_reader_engine.model_open(&spec, &model, &err)) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	double wall = cpu_ms(CLOCK_MONOTONIC);
	pthread_t ids[MAX_THREADS];

	for (int i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, work, NULL))
			return 1;
	for (int i = 0; i < threads; i++)
		(void)pthread_join(ids[i], NULL);
	ocr_reader_engine.model_close(model);
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	printf("pages %d threads %d wall %.1f s cpu %.1f s rss %ld KiB\n", item_count, threads,
	       (cpu_ms(CLOCK_MONOTONIC) - wall) / 1e3, cpu_ms(CLOCK_PROCESS_CPUTIME_ID) / 1e3, usage.ru_maxrss);
	return 0;
}
