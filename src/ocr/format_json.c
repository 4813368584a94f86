#include "base/json.h"
#include "ocr/format_priv.h"

static const char *const kind_names[] = {
	[OCR_BLOCK_TEXT] = "text", [OCR_BLOCK_HEADING] = "heading", [OCR_BLOCK_TABLE] = "table"
};

/* One call writes one page, so that a long document needs the memory of one: the braces around the pages are ours. */
void ocr_json_begin(struct ocr_writer *w)
{
	struct json j = JSON_INIT(w->out);
	strbuf_add_str(w->out, "{\"file\":");
	json_str(&j, ocr_base_name(w->file_name));
	strbuf_add_str(w->out, ",\"pages\":[");
}

static void write_box(struct json *j, struct ocr_box box)
{
	json_key(j, "box");
	json_array(j);
	json_int(j, box.x0);
	json_int(j, box.y0);
	json_int(j, box.x1);
	json_int(j, box.y1);
	json_array_end(j);
}

static void write_word(struct json *j, const struct ocr_page *page, const struct ocr_word *word)
{
	json_object(j);
	json_key(j, "text");
	json_strn(j, ocr_word_text(page, word), word->text_len);
	write_box(j, word->box);
	json_key_real(j, "confidence", (double)word->confidence, 4);
	if (word->rtl)
		json_key_bool(j, "rtl", true);
	json_object_end(j);
}

static void write_line(struct json *j, const struct ocr_page *page, const struct ocr_line *line)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT(2 * LIMIT_PAGE_TEXT);
	ocr_line_text(page, line, &text);
	json_object(j);
	json_key(j, "text");
	json_strn(j, strbuf_str(&text), text.len);
	write_box(j, line->box);
	json_key(j, "baseline");
	json_object(j);
	json_key_real(j, "y", (double)line->baseline_y, 2);
	json_key_real(j, "slope", (double)line->slope, 5);
	json_object_end(j);
	json_key_bool(j, "paragraph_start", line->paragraph_start);
	json_key_bool(j, "hyphenated", line->hyphenated);
	json_key(j, "words");
	json_array(j);
	for (uint32_t i = 0; i < line->word_count; i++)
		write_word(j, page, &page->words[line->first_word + i]);
	json_array_end(j);
	json_object_end(j);
}

static void write_block(struct json *j, const struct ocr_page *page, const struct ocr_block *block)
{
	json_object(j);
	json_key_str(j, "kind", kind_names[block->kind]);
	write_box(j, block->box);
	json_key_bool(j, "continues", block->continues);
	json_key(j, "lines");
	json_array(j);
	for (uint32_t i = 0; i < block->line_count; i++)
		write_line(j, page, &page->lines[block->first_line + i]);
	json_array_end(j);
	json_object_end(j);
}

void ocr_json_page(struct ocr_writer *w, const struct ocr_page *page)
{
	if (w->pages > 0)
		strbuf_add_char(w->out, ',');
	struct json j = JSON_INIT(w->out);
	cleanup_strbuf struct strbuf text = STRBUF_INIT(2 * LIMIT_PAGE_TEXT);
	ocr_page_paragraph_text(page, &text);
	json_object(&j);
	json_key_int(&j, "page", (int64_t)w->pages + 1);
	json_key_int(&j, "width", page->width);
	json_key_int(&j, "height", page->height);
	json_key_int(&j, "dpi", page->dpi);
	json_key_int(&j, "rotation", page->rotation);
	json_key_real(&j, "skew", (double)page->skew, 3);
	json_key(&j, "language");
	if (page->language[0])
		json_str(&j, page->language);
	else
		json_null(&j);
	json_key_str(&j, "source", page->source);
	json_key_real(&j, "confidence", (double)ocr_page_confidence(page), 4);
	json_key(&j, "text");
	json_strn(&j, strbuf_str(&text), text.len);
	json_key(&j, "blocks");
	json_array(&j);
	for (size_t i = 0; i < page->block_count; i++)
		write_block(&j, page, &page->blocks[i]);
	json_array_end(&j);
	json_object_end(&j);
}

void ocr_json_end(struct ocr_writer *w)
{
	strbuf_add_str(w->out, "]}\n");
}
