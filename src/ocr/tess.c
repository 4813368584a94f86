#include "ocr/tess.h"

#include <dlfcn.h>
#include <leptonica/allheaders.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <tesseract/capi.h>

#include "base/utf8.h"
#include "ocr/sheet.h"

enum {
	SLOTS = 4, /* warm handles: eng is 25 MB of memory, script data up to 280 MB */
	PAGES_PER_HANDLE = 500, /* then it is made anew: long-lived handles are reported to grow (OCR-D 105) */
	SHEET_DPI = 300 /* the size that preparation scales letters to is that of 10 pt at 300 dpi */
};

/* A handle that has loaded some data. */
struct slot {
	TessBaseAPI *api; /* NULL: free */
	char data[OCR_DATA_SIZE];
	unsigned pages;
	unsigned long last_used;
};

/* OpenMP's omp_set_max_active_levels. */
typedef void set_levels_fn(int levels);

struct ocr_tess {
	const char *folder;
	set_levels_fn *set_levels; /* NULL: this tesseract was built without OpenMP */
	struct slot slots[SLOTS];
	unsigned long clock;
};

static void drop_message(const char *message)
{
	(void)message;
}

void ocr_tess_setup(void)
{
	leptSetStderrHandler(drop_message);
	/* Tesseract takes and returns megabytes for each line; without this the kernel clears them anew each time,
	 * a tenth of a page's time. */
	(void)mallopt(M_MMAP_THRESHOLD, 64 * 1024 * 1024);
	(void)mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024);
}

enum err_code ocr_tess_new(const char *folder, struct ocr_tess **ret, struct err *err)
{
	struct ocr_tess *tess = calloc(1, sizeof(*tess));

	if (!tess)
		return err_set(err, ERR_NO_MEMORY, "not enough memory for a reader of pages");
	tess->folder = folder;
	void *symbol = dlsym(RTLD_DEFAULT, "omp_set_max_active_levels");

	memcpy(&tess->set_levels, &symbol, sizeof(symbol));
	*ret = tess;
	return ERR_OK;
}

static void slot_close(struct slot *slot)
{
	if (!slot->api)
		return;
	TessBaseAPIEnd(slot->api);
	TessBaseAPIDelete(slot->api);
	*slot = (struct slot){ 0 };
}

void ocr_tess_free(struct ocr_tess *tess)
{
	if (!tess)
		return;
	for (int i = 0; i < SLOTS; i++)
		slot_close(&tess->slots[i]);
	free(tess);
}

/* Loads data into a free slot. */
static enum err_code slot_open(struct slot *slot, const char *folder, const char *data, struct err *err)
{
	TessBaseAPI *api = TessBaseAPICreate();

	if (!api)
		return err_set(err, ERR_NO_MEMORY, "not enough memory for tesseract");
	if (TessBaseAPIInit2(api, folder, data, OEM_LSTM_ONLY)) {
		TessBaseAPIDelete(api);
		return err_set(err, ERR_UNAVAILABLE, "tesseract cannot load its data \"%s\" from %s", data, folder);
	}
	/* Its remarks go to standard error, which the engine's node has turned away. Sheets are dark on light: a
	 * second, inverted run over poor lines is waste. */
	TessBaseAPISetVariable(api, "tessedit_do_invert", "0");
	/* Staves of music are searched for by opening the whole page several times over. */
	TessBaseAPISetVariable(api, "pageseg_apply_music_mask", "0");
	/* Lines of one pitch are looked for to cut them into letters, which the networks do by themselves. */
	TessBaseAPISetVariable(api, "textord_all_prop", "1");
	*slot = (struct slot){ .api = api };
	(void)snprintf(slot->data, sizeof(slot->data), "%s", data);
	return ERR_OK;
}

/*
 * Keeps tesseract to the calling thread. Its OpenMP threads spin against each other as soon as the machine has other
 * work: five to eight times the CPU time. OMP_THREAD_LIMIT=1 does the same, but only if it is in the environment when
 * the program starts.
 */
static void stay_in_thread(const struct ocr_tess *tess)
{
	if (tess->set_levels)
		tess->set_levels(0);
}

/* The handle for this data: a warm one, else one in the slot that was not used for longest. */
static enum err_code get_slot(struct ocr_tess *tess, const char *data, struct slot **ret, struct err *err)
{
	struct slot *oldest = &tess->slots[0];

	stay_in_thread(tess);
	for (int i = 0; i < SLOTS; i++) {
		struct slot *slot = &tess->slots[i];

		if (slot->api && strcmp(slot->data, data) == 0) {
			oldest = slot;
			break;
		}
		if (slot->last_used < oldest->last_used)
			oldest = slot;
	}
	if (oldest->api && (strcmp(oldest->data, data) != 0 || oldest->pages >= PAGES_PER_HANDLE))
		slot_close(oldest);
	if (!oldest->api) {
		enum err_code code = slot_open(oldest, tess->folder, data, err);

		if (code)
			return code;
	}
	oldest->last_used = ++tess->clock;
	oldest->pages++;
	*ret = oldest;
	return ERR_OK;
}

/* Called by tesseract between words; `ctx` is the run. */
static bool cancel(void *ctx, int words)
{
	(void)words;
	return ocr_run_aborted(ctx);
}

/* The marks by which tesseract shows directions; words are in logical order without them. */
static bool is_direction_mark(uint32_t c)
{
	return c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e);
}

/* Copies what is sound UTF-8, without direction marks, into `out`, which is as large as `text`. */
static size_t clean_text(const char *text, char *out)
{
	size_t left = strlen(text), len = 0;

	while (left) {
		size_t n = utf8_valid_prefix(text, left), m;

		if (n && !is_direction_mark(utf8_decode(text, left, &m)) && *text != ' ' && *text != '\n') {
			memcpy(out + len, text, n);
			len += n;
		}
		text += n ? n : 1;
		left -= n ? n : 1;
	}
	return len;
}

static bool is_rtl_char(uint32_t c)
{
	return (c >= 0x590 && c <= 0x8ff) || (c >= 0xfb1d && c <= 0xfdff) || (c >= 0xfe70 && c <= 0xfeff);
}

static bool is_rtl(const char *text, size_t len)
{
	size_t n;

	for (size_t i = 0; i < len; i += n)
		if (is_rtl_char(utf8_decode(text + i, len - i, &n)))
			return true;
	return false;
}

static enum err_code add_line(TessResultIterator *it, struct ocr_page *page, struct err *err)
{
	const TessPageIterator *at = TessResultIteratorGetPageIteratorConst(it);
	int x0 = 0, y0 = 0, x1 = 0, y1 = 0;
	float slope = 0;

	if (TessPageIteratorBaseline(at, RIL_TEXTLINE, &x0, &y0, &x1, &y1) && x1 > x0)
		slope = (float)(y1 - y0) / (float)(x1 - x0);
	return ocr_page_add_line(page, (float)y0, slope, err);
}

static enum err_code add_word(TessResultIterator *it, struct ocr_page *page, struct err *err)
{
	const TessPageIterator *at = TessResultIteratorGetPageIteratorConst(it);
	char *text = TessResultIteratorGetUTF8Text(it, RIL_WORD);
	struct ocr_box box;
	enum err_code code = ERR_OK;

	if (!text)
		return ERR_OK;
	size_t len = clean_text(text, text);
	bool placed = TessPageIteratorBoundingBox(at, RIL_WORD, &box.x0, &box.y0, &box.x1, &box.y1);

	if (len && placed && box.x1 > box.x0 && box.y1 > box.y0) {
		float confidence = TessResultIteratorConfidence(it, RIL_WORD) / 100;
		struct ocr_word word = {
			.box = box,
			.confidence = confidence > 0 ? (confidence < 1 ? confidence : 1) : 0,
			.space_before = page->lines[page->line_count - 1].word_count > 0,
			.rtl = is_rtl(text, len),
		};
		code = ocr_page_add_word(page, &word, text, len, err);
	}
	TessDeleteText(text);
	return code;
}

static enum err_code collect_words(TessResultIterator *it, struct ocr_page *page, struct err *err)
{
	const TessPageIterator *at = TessResultIteratorGetPageIteratorConst(it);
	enum err_code code = ERR_OK;

	do {
		/* Each such question makes tesseract work out the line's order anew; a block begins with a line. */
		bool first = page->block_count == 0;
		bool line_begins = first || TessPageIteratorIsAtBeginningOf(at, RIL_TEXTLINE);

		if (first || (line_begins && TessPageIteratorIsAtBeginningOf(at, RIL_BLOCK)))
			code = ocr_page_add_block(page, OCR_BLOCK_TEXT, err);
		if (!code && line_begins)
			code = add_line(it, page, err);
		if (!code)
			code = add_word(it, page, err);
	} while (!code && TessResultIteratorNext(it, RIL_WORD));
	return code;
}

/* Recognises what SetImage2 gave and collects the words. */
static enum err_code recognise(TessBaseAPI *api, const struct ocr_tess_job *job, struct ocr_page *page, struct err *err)
{
	/* Layout first: it cannot be interrupted, so the run is asked before and after it. */
	TessPageIterator *layout = TessBaseAPIAnalyseLayout(api);

	if (!layout)
		return ERR_OK; /* nothing on the page looks like text */
	TessPageIteratorDelete(layout);

	ETEXT_DESC *monitor = TessMonitorCreate();

	if (!monitor)
		return err_set(err, ERR_NO_MEMORY, "not enough memory for tesseract");
	TessMonitorSetCancelFunc(monitor, cancel);
	TessMonitorSetCancelThis(monitor, (void *)(uintptr_t)job->run);
	bool failed = ocr_run_aborted(job->run) || TessBaseAPIRecognize(api, monitor) != 0;

	TessMonitorDelete(monitor);
	if (ocr_run_aborted(job->run))
		return err_set(err, ERR_CANCELLED, "reading the page was stopped");
	if (failed)
		return ERR_OK; /* tesseract's word for a page without text */
	TessResultIterator *it = TessBaseAPIGetIterator(api);
	enum err_code code = it ? collect_words(it, page, err) : ERR_OK;

	if (it)
		TessResultIteratorDelete(it);
	return code;
}

/* The image or a part of it; the caller destroys it. NULL without memory. */
static PIX *take_part(PIX *grey, const struct ocr_box *part)
{
	if (!part)
		return pixClone(grey);
	BOX *box = boxCreate(part->x0, part->y0, part->x1 - part->x0, part->y1 - part->y0);
	PIX *pix = box ? pixClipRectangle(grey, box, NULL) : NULL;

	boxDestroy(&box);
	return pix;
}

static void shift_box(struct ocr_box *box, int x, int y)
{
	box->x0 += x;
	box->x1 += x;
	box->y0 += y;
	box->y1 += y;
}

/* Moves all that stands on a page. */
static void shift(struct ocr_page *page, int x, int y)
{
	for (size_t i = 0; i < page->word_count; i++)
		shift_box(&page->words[i].box, x, y);
	for (size_t i = 0; i < page->line_count; i++) {
		shift_box(&page->lines[i].box, x, y);
		page->lines[i].baseline_y += (float)y;
	}
	for (size_t i = 0; i < page->block_count; i++)
		shift_box(&page->blocks[i].box, x, y);
}

enum err_code ocr_tess_read(struct ocr_tess *tess, const struct ocr_tess_job *job, struct ocr_reading *ret,
			    struct err *err)
{
	static const TessPageSegMode modes[] = { [OCR_LAYOUT_ANY] = PSM_AUTO,
						 [OCR_LAYOUT_ROWS] = PSM_SINGLE_COLUMN,
						 [OCR_LAYOUT_BLOCK] = PSM_SINGLE_BLOCK };
	struct slot *slot;

	ocr_reading_init(ret, job->sheet);
	enum err_code code = get_slot(tess, job->data, &slot, err);

	if (code)
		return code;
	TessBaseAPISetPageSegMode(slot->api, modes[job->layout]);
	PIX *pix = take_part(job->sheet->grey, job->part);

	if (!pix)
		return err_set(err, ERR_NO_MEMORY, "not enough memory for a part of a page");
	TessBaseAPISetImage2(slot->api, pix);
	TessBaseAPISetSourceResolution(slot->api, SHEET_DPI);
	code = recognise(slot->api, job, &ret->page, err);
	TessBaseAPIClear(slot->api);
	pixDestroy(&pix);
	if (job->part)
		shift(&ret->page, job->part->x0, job->part->y0);
	if (code)
		ocr_reading_done(ret);
	else
		ocr_reading_rate(ret);
	return code;
}

bool ocr_tess_osd(struct ocr_tess *tess, const struct ocr_sheet *sheet, struct ocr_osd *ret)
{
	struct slot *slot;
	struct err err;
	const char *script = NULL;
	int degrees = 0;

	if (get_slot(tess, "osd", &slot, &err))
		return false;
	TessBaseAPISetPageSegMode(slot->api, PSM_OSD_ONLY);
	TessBaseAPISetImage2(slot->api, sheet->grey);
	TessBaseAPISetSourceResolution(slot->api, SHEET_DPI);
	*ret = (struct ocr_osd){ 0 };
	bool found = TessBaseAPIDetectOrientationScript(slot->api, &degrees, &ret->rotation_confidence, &script,
							&ret->script_confidence);

	if (found) {
		ret->rotation = (uint32_t)((360 - degrees) % 360);
		(void)snprintf(ret->script, sizeof(ret->script), "%s", script ? script : "");
	}
	TessBaseAPIClear(slot->api);
	return found;
}
