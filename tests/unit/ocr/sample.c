#include "sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

enum { LETTER_PX = 16, ASCENT_PX = 24, DESCENT_PX = 6, WIDTH = 1240, HEIGHT = 1754 };

static void must(enum err_code code)
{
	if (code != ERR_OK)
		abort();
}

static void start(struct ocr_page *page, const char *language)
{
	ocr_page_init(page);
	page->width = WIDTH;
	page->height = HEIGHT;
	page->dpi = 150;
	(void)snprintf(page->language, sizeof page->language, "%s", language);
	(void)snprintf(page->source, sizeof page->source, "fake");
}

void sample_block(struct ocr_page *page)
{
	struct err err;
	must(ocr_page_add_block(page, OCR_BLOCK_TEXT, &err));
}

static bool is_rtl(const char *text)
{
	return (unsigned char)text[0] >= 0xD6 && (unsigned char)text[0] <= 0xDF;
}

void sample_line(struct ocr_page *page, int x, int y, float slope, const char *text)
{
	struct err err;
	must(ocr_page_add_line(page, (float)y, slope, &err));
	bool rtl = is_rtl(text);
	int at = x;
	for (const char *word = text; *word;) {
		size_t len = strcspn(word, " ");
		int width = (int)utf8_count(word, len) * LETTER_PX;
		int lean = (int)(slope * (float)(at - x));
		int left = rtl ? at - width : at;
		struct ocr_word w = {
			.box = { left, y + lean - ASCENT_PX, left + width, y + lean + DESCENT_PX },
			.confidence = 0.9F,
			.space_before = word != text,
			.rtl = is_rtl(word),
		};
		must(ocr_page_add_word(page, &w, word, len, &err));
		at += (rtl ? -1 : 1) * (width + LETTER_PX);
		word += len + (word[len] == ' ');
	}
}

void sample_english(struct ocr_page *ret)
{
	start(ret, "en");
	sample_block(ret);
	sample_line(ret, 100, 100, 0.0F, "The clerk & the <scribe>");
	sample_line(ret, 100, 140, 0.0F, "wrote \"all\" night.");
	sample_line(ret, 100, 200, 0.0F, "Morning came late.");
	ret->lines[2].paragraph_start = true;
}

void sample_german(struct ocr_page *ret)
{
	start(ret, "de");
	sample_block(ret);
	sample_line(ret, 100, 100, 0.0F,
		    "\xC3\x9C"
		    "ber den D\xC3\xA4"
		    "chern lag");
	sample_line(ret, 100, 140, 0.0F,
		    "der Nebel und die Stra\xC3\x9F"
		    "en-");
	ret->lines[1].hyphenated = true;
	sample_block(ret);
	ret->blocks[1].continues = true;
	sample_line(ret, 700, 100, 0.0F, "bahn stand still.");
	sample_line(ret, 700, 140, 0.0F, "Niemand rief.");
	ret->lines[3].paragraph_start = true;
}

void sample_persian(struct ocr_page *ret)
{
	start(ret, "fa");
	sample_block(ret);
	/* "the scribe wrote letters 1402" and a second line */
	sample_line(ret, 1100, 100, 0.0F,
		    "\xDA\xA9\xD8\xA7\xD8\xAA\xD8\xA8 \xD9\x86\xD8\xA7\xD9\x85\xD9\x87 "
		    "\xD9\x86\xD9\x88\xD8\xB4\xD8\xAA \xDB\xB1\xDB\xB4\xDB\xB0\xDB\xB2");
	sample_line(ret, 1100, 160, 0.0F, "\xD8\xB3\xD9\x84\xD8\xA7\xD9\x85 \xD8\xAF\xD9\x86\xDB\x8C\xD8\xA7");
}

void sample_chinese(struct ocr_page *ret)
{
	start(ret, "zh");
	sample_block(ret);
	/* The last character lies outside the basic plane. */
	sample_line(ret, 100, 100, 0.0F, "\xE4\xB9\xA6\xE8\xAE\xB0\xE5\x91\x98\xE5\x86\x99\xE4\xBF\xA1");
	sample_line(ret, 100, 160, 0.0F, "\xE5\xA4\xA9\xE4\xBA\xAE\xE4\xBA\x86\xF0\xA0\xAE\xB7");
}
