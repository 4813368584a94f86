#include "ocr/pdf.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "ocr/pdf_priv.h"

/* Numbers of the objects that every file has; pages follow, two objects each. */
enum {
	OBJ_CATALOG = 1,
	OBJ_PAGES,
	OBJ_FONT,
	OBJ_CID_FONT,
	OBJ_DESCRIPTOR,
	OBJ_PROGRAM,
	OBJ_GLYPH_MAP,
	OBJ_TO_UNICODE,
	OBJ_FIRST_PAGE
};

/* Operators of one page: each word takes at most two matrices and scales (under 300 bytes), each byte of text at most
 * four digits. */
#define CONTENT_MAX ((size_t)LIMIT_PAGE_WORDS * 300 + 4 * LIMIT_PAGE_TEXT + 4096)
/* A cross-reference entry has ten digits for an offset. */
#define FILE_MAX ((size_t)9999999999)

struct ocr_pdf {
	struct strbuf *out;
	struct pdf_charset set;
	size_t start; /* length of `out` when we came: offsets count from there */
	size_t *offsets; /* owned; by object number */
	uint32_t capacity;
	uint32_t objects; /* one past the largest number in use */
	uint32_t pages;
};

enum err_code ocr_pdf_new(struct strbuf *out, struct ocr_pdf **ret, struct err *err)
{
	struct ocr_pdf *pdf = calloc(1, sizeof *pdf);
	if (!pdf)
		return err_set(err, ERR_NO_MEMORY, "no memory for a PDF");
	pdf->out = out;
	pdf->start = out->len;
	pdf->objects = OBJ_FIRST_PAGE;
	pdf->capacity = 64;
	pdf->offsets = calloc(pdf->capacity, sizeof *pdf->offsets);
	enum err_code code = pdf_charset_init(&pdf->set, err);
	if (code == ERR_OK && !pdf->offsets)
		code = err_set(err, ERR_NO_MEMORY, "no memory for a PDF");
	if (code != ERR_OK) {
		ocr_pdf_free(pdf);
		return code;
	}
	/* Bytes above 127 in a comment tell transfer programs that the file is binary. */
	strbuf_add_str(out, "%PDF-1.5\n%\xE2\xE3\xCF\xD3\n");
	*ret = pdf;
	return ERR_OK;
}

void ocr_pdf_free(struct ocr_pdf *pdf)
{
	if (!pdf)
		return;
	pdf_charset_done(&pdf->set);
	free(pdf->offsets);
	free(pdf);
}

static void begin_object(struct ocr_pdf *pdf, uint32_t number)
{
	pdf->offsets[number] = pdf->out->len - pdf->start;
	strbuf_addf(pdf->out, "%u 0 obj\n", number);
}

static void end_object(struct ocr_pdf *pdf)
{
	strbuf_add_str(pdf->out, "\nendobj\n");
}

/* Writes a whole stream object; `extra` are further entries of its dictionary. */
static void add_stream(struct ocr_pdf *pdf, uint32_t number, const struct strbuf *content, const char *extra)
{
	uLong bound = compressBound(content->len);
	cleanup_strbuf struct strbuf packed = STRBUF_INIT(bound);
	void *room = strbuf_reserve(&packed, bound);
	if (!room || compress2(room, &bound, (const Bytef *)strbuf_str(content), content->len, 6) != Z_OK) {
		pdf->out->failed = true;
		return;
	}
	begin_object(pdf, number);
	strbuf_addf(pdf->out, "<< /Length %lu /Filter /FlateDecode%s >>\nstream\n", bound, extra);
	strbuf_add(pdf->out, room, bound);
	strbuf_add_str(pdf->out, "\nendstream");
	end_object(pdf);
}

static enum err_code reserve_objects(struct ocr_pdf *pdf, uint32_t count, struct err *err)
{
	if (pdf->objects + count <= pdf->capacity)
		return ERR_OK;
	size_t *grown = reallocarray(pdf->offsets, (size_t)pdf->capacity * 2, sizeof *grown);
	if (!grown)
		return err_set(err, ERR_NO_MEMORY, "no memory for a PDF");
	memset(grown + pdf->capacity, 0, pdf->capacity * sizeof *grown);
	pdf->offsets = grown;
	pdf->capacity *= 2;
	return ERR_OK;
}

enum err_code ocr_pdf_add(struct ocr_pdf *pdf, const struct ocr_page *page, struct err *err)
{
	if (pdf->pages >= LIMIT_PAGES)
		return err_set(err, ERR_TOO_BIG, "a PDF has more than %d pages", LIMIT_PAGES);
	enum err_code code = reserve_objects(pdf, 2, err);
	if (code != ERR_OK)
		return code;
	cleanup_strbuf struct strbuf content = STRBUF_INIT(CONTENT_MAX);
	struct pdf_page_size size = pdf_page_content(page, &pdf->set, &content);
	code = strbuf_check(&content, "the text of a PDF page", err);
	if (code != ERR_OK)
		return code;
	uint32_t number = pdf->objects;
	begin_object(pdf, number);
	strbuf_addf(pdf->out, "<< /Type /Page /Parent %d 0 R /MediaBox [0 0 ", OBJ_PAGES);
	pdf_add_number(pdf->out, size.width_pt, 3);
	strbuf_add_char(pdf->out, ' ');
	pdf_add_number(pdf->out, size.height_pt, 3);
	strbuf_addf(pdf->out, "] /Resources << /Font << /TiroText %d 0 R >> >> /Contents %u 0 R >>", OBJ_FONT,
		    number + 1);
	end_object(pdf);
	add_stream(pdf, number + 1, &content, "");
	pdf->objects += 2;
	pdf->pages++;
	return strbuf_check(pdf->out, "a PDF", err);
}

static void write_font(struct ocr_pdf *pdf)
{
	begin_object(pdf, OBJ_FONT);
	strbuf_addf(pdf->out,
		    "<< /Type /Font /Subtype /Type0 /BaseFont /TiroGlyphless /Encoding /Identity-H "
		    "/DescendantFonts [%d 0 R] /ToUnicode %d 0 R >>",
		    OBJ_CID_FONT, OBJ_TO_UNICODE);
	end_object(pdf);
	begin_object(pdf, OBJ_CID_FONT);
	strbuf_addf(pdf->out,
		    "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /TiroGlyphless "
		    "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> "
		    "/FontDescriptor %d 0 R /CIDToGIDMap %d 0 R /DW %d >>",
		    OBJ_DESCRIPTOR, OBJ_GLYPH_MAP, PDF_FONT_ADVANCE);
	end_object(pdf);
	begin_object(pdf, OBJ_DESCRIPTOR);
	strbuf_addf(pdf->out,
		    "<< /Type /FontDescriptor /FontName /TiroGlyphless /Flags 5 /FontBBox [0 %d %d %d] /Ascent %d "
		    "/Descent %d /CapHeight %d /ItalicAngle 0 /StemV 80 /FontFile2 %d 0 R >>",
		    PDF_FONT_DESCENT, PDF_FONT_ADVANCE, PDF_FONT_ASCENT, PDF_FONT_ASCENT, PDF_FONT_DESCENT,
		    PDF_FONT_ASCENT, OBJ_PROGRAM);
	end_object(pdf);
}

static void write_font_streams(struct ocr_pdf *pdf)
{
	cleanup_strbuf struct strbuf program = STRBUF_INIT(4096);
	ocr_pdf_font_program(&program);
	char length[32];
	(void)snprintf(length, sizeof length, " /Length1 %zu", program.len);
	add_stream(pdf, OBJ_PROGRAM, &program, length);

	cleanup_strbuf struct strbuf glyphs = STRBUF_INIT(2 * 65536);
	for (uint32_t cid = 0; cid <= pdf->set.count; cid++)
		strbuf_add(&glyphs, cid == 0 ? "\0" : "\0\1", 2); /* all characters share the empty glyph 1 */
	add_stream(pdf, OBJ_GLYPH_MAP, &glyphs, "");

	cleanup_strbuf struct strbuf map = STRBUF_INIT(2 * 1024 * 1024);
	pdf_charset_to_unicode(&pdf->set, &map);
	if (map.failed)
		pdf->out->failed = true;
	add_stream(pdf, OBJ_TO_UNICODE, &map, "");
}

static void write_catalogue(struct ocr_pdf *pdf)
{
	begin_object(pdf, OBJ_PAGES);
	strbuf_addf(pdf->out, "<< /Type /Pages /Count %u /Kids [", pdf->pages);
	for (uint32_t i = 0; i < pdf->pages; i++)
		strbuf_addf(pdf->out, "%u 0 R%s", OBJ_FIRST_PAGE + 2 * i, i % 16 == 15 ? "\n" : " ");
	strbuf_add_str(pdf->out, "] >>");
	end_object(pdf);
	begin_object(pdf, OBJ_CATALOG);
	strbuf_addf(pdf->out, "<< /Type /Catalog /Pages %d 0 R >>", OBJ_PAGES);
	end_object(pdf);
}

enum err_code ocr_pdf_end(struct ocr_pdf *pdf, struct err *err)
{
	write_font(pdf);
	write_font_streams(pdf);
	write_catalogue(pdf);
	size_t table_at = pdf->out->len - pdf->start;
	if (table_at > FILE_MAX)
		return err_set(err, ERR_TOO_BIG, "a PDF is larger than its cross-reference table can tell");
	strbuf_addf(pdf->out, "xref\n0 %u\n0000000000 65535 f \n", pdf->objects);
	for (uint32_t i = 1; i < pdf->objects; i++)
		strbuf_addf(pdf->out, "%010zu 00000 n \n", pdf->offsets[i]);
	strbuf_addf(pdf->out, "trailer\n<< /Size %u /Root %d 0 R >>\nstartxref\n%zu\n%%%%EOF\n", pdf->objects,
		    OBJ_CATALOG, table_at);
	return strbuf_check(pdf->out, "a PDF", err);
}
