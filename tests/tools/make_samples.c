/*
 * make_samples FOLDER: draws pages of our own with known text, for the demo and the tests.
 *
 *   page-en.png page-en.jpg page-en.pdf    English prose; the PDF has real text
 *   page-de.png                            German in two columns
 *   page-fa.png page-fa.pdf                Persian
 *   page-zh.png                            Chinese
 *   pages.tif                              English and German, 1 bit, group 4
 *   scan.pdf                               English as a picture, with a page number as text
 *
 * Beside each NAME.* lies NAME.gt.txt: paragraphs parted by empty lines. A script without a font is left out. The
 * sentences are ours.
 */
#include <cairo-pdf.h>
#include <leptonica/allheaders.h>
#include <pango/pangocairo.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { DPI = 200, WIDTH_PX = 1654, HEIGHT_PX = 2339, MARGIN_PX = 160, GUTTER_PX = 90 };

#define PT_PER_PX (72.0 / DPI)

struct sample {
	const char *name;
	const char *language;
	const char *font;
	int columns;
	const char *text; /* paragraphs parted by empty lines; '\v' starts the next column */
};

/* Right-to-left text moves under the formatter at every run. */
/* clang-format off */
static const struct sample samples[] = {
	{ "page-en", "en", "DejaVu Serif 13", 1,
	  "The Keeper of Small Letters\n\n"
	  "Every morning before the market opened, the scribe swept his table, cut two reeds and set them beside the "
	  "ink. "
	  "People came with questions about grain, about cousins who had moved away, about debts that nobody wished to "
	  "remember. He wrote what they said and nothing else.\n\n"
	  "On the ninth day of winter a girl brought him an empty page. She asked him to read it to her. He held it "
	  "against the light, turned it twice and said: \"Here stands everything that has not happened yet.\" She paid "
	  "him "
	  "with 3 apples and walked home through the snow.\n\n"
	  "Since then the page has hung above his door. Travellers believe that it is a sign, and perhaps it is. Rain "
	  "has "
	  "made it grey at the edges; the middle is still white." },
	{ "page-de", "de", "DejaVu Serif 12", 2,
	  "Der alte Müller zählte die Säcke zweimal, weil er dem Gehilfen nicht traute. Draußen rauschte das Wasser "
	  "über "
	  "das große Rad, und aus der Küche roch es nach Brot.\n\n"
	  "Als die Glocke schlug, kam ein Fremder über die Brücke. Er trug einen grünen Mantel und fragte höflich nach "
	  "dem Weg. Niemand wusste, wohin er wollte, doch jeder gab ihm eine andere Antwort.\n\v"
	  "Am Abend saß er noch immer auf der Bank und zeichnete die Häuser in ein kleines Heft. Die Kinder sahen ihm "
	  "über die Schulter. Auf dem Bild standen Fenster offen, die in Wahrheit längst vermauert waren.\n\n"
	  "Er lächelte, schloss das Heft und ging weiter. Das Heft blieb liegen." },
	{ "page-fa", "fa", "DejaVu Sans 15", 1,
	  "کاتب پیر هر روز صبح کنار پنجره می‌نشست و نامه‌های مردم را می‌نوشت. او از هیچ کس نامی "
	  "نمی‌پرسید "
	  "و "
	  "هر "
	  "کلمه را دو بار "
	  "می‌خواند.\n\n"
	  "روزی دختری کاغذ سفیدی آورد و گفت: این را برای من بخوان. کاتب لبخند زد و کاغذ را رو به نور گرفت. گفت: در این "
	  "جا هر چه "
	  "هنوز نیامده نوشته شده است." },
	{ "page-zh", "zh", "Droid Sans Fallback 15", 1,
	  "老书记员每天早上坐在窗边，替邻居们写信。他从不问名字，只写别人说的话。\n\n"
	  "有一天，一个女孩拿来一张白纸，请他念给她听。他把纸举到光下，笑着说：这里写着还没有发生的一切。" },
};
/* clang-format on */

static int failures;

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "could not write %s\n", what);
	failures++;
}

static bool has_font(const struct sample *sample)
{
	PangoFontMap *map = pango_cairo_font_map_get_default();
	PangoContext *context = pango_font_map_create_context(map);
	PangoFontDescription *font = pango_font_description_from_string(sample->font);
	PangoFont *found = pango_font_map_load_font(map, context, font);
	PangoFontDescription *got = found ? pango_font_describe(found) : NULL;
	bool same = got && g_ascii_strcasecmp(pango_font_description_get_family(got),
					      pango_font_description_get_family(font)) == 0;
	if (got)
		pango_font_description_free(got);
	if (found)
		g_object_unref(found);
	pango_font_description_free(font);
	g_object_unref(context);
	return same;
}

/* Draws one column of the text and returns what follows its '\v', or NULL. */
static const char *draw_column(cairo_t *cairo, const struct sample *sample, const char *text, int x, int width)
{
	const char *end = strchr(text, '\v');
	PangoLayout *layout = pango_cairo_create_layout(cairo);
	/* One layout unit is a pixel at DPI, also in PDFs, whose context is scaled. */
	pango_cairo_context_set_resolution(pango_layout_get_context(layout), DPI);
	pango_layout_context_changed(layout);
	PangoFontDescription *font = pango_font_description_from_string(sample->font);
	pango_layout_set_font_description(layout, font);
	pango_layout_set_width(layout, width * PANGO_SCALE);
	pango_layout_set_wrap(layout, PANGO_WRAP_WORD);
	pango_layout_set_line_spacing(layout, 1.25F);
	pango_layout_set_text(layout, text, end ? (int)(end - text) : -1);
	cairo_move_to(cairo, x, MARGIN_PX);
	pango_cairo_show_layout(cairo, layout);
	pango_font_description_free(font);
	g_object_unref(layout);
	return end ? end + 1 : NULL;
}

static void draw_sample(cairo_t *cairo, const struct sample *sample)
{
	cairo_set_source_rgb(cairo, 1.0, 1.0, 1.0);
	cairo_paint(cairo);
	cairo_set_source_rgb(cairo, 0.0, 0.0, 0.0);
	int width = (WIDTH_PX - 2 * MARGIN_PX - (sample->columns - 1) * GUTTER_PX) / sample->columns;
	const char *text = sample->text;
	for (int i = 0; text; i++)
		text = draw_column(cairo, sample, text, MARGIN_PX + i * (width + GUTTER_PX), width);
}

static cairo_surface_t *draw_image(const struct sample *sample)
{
	cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH_PX, HEIGHT_PX);
	cairo_t *cairo = cairo_create(surface);
	draw_sample(cairo, sample);
	cairo_destroy(cairo);
	cairo_surface_flush(surface);
	return surface;
}

/* The drawing as an 8-bit grey image of leptonica's; the caller's. */
static PIX *draw_pix(const struct sample *sample)
{
	cairo_surface_t *surface = draw_image(sample);
	const unsigned char *data = cairo_image_surface_get_data(surface);
	int stride = cairo_image_surface_get_stride(surface);
	PIX *pix = pixCreate(WIDTH_PX, HEIGHT_PX, 8);
	for (int y = 0; pix && y < HEIGHT_PX; y++) {
		for (int x = 0; x < WIDTH_PX; x++)
			(void)pixSetPixel(pix, x, y, data[y * stride + 4 * x]);
	}
	cairo_surface_destroy(surface);
	if (pix)
		(void)pixSetResolution(pix, DPI, DPI);
	return pix;
}

static void write_truth(const char *folder, const struct sample *sample)
{
	char path[1024];
	(void)snprintf(path, sizeof path, "%s/%s.gt.txt", folder, sample->name);
	FILE *file = fopen(path, "w");
	check(file != NULL, path);
	if (!file)
		return;
	for (const char *c = sample->text; *c; c++)
		(void)fputc(*c == '\v' ? '\n' : *c, file);
	(void)fputc('\n', file);
	check(fclose(file) == 0, path);
}

static void write_pix(const char *folder, const struct sample *sample, const char *extension, int format)
{
	char path[1024];
	(void)snprintf(path, sizeof path, "%s/%s.%s", folder, sample->name, extension);
	PIX *pix = draw_pix(sample);
	check(pix && pixWrite(path, pix, format) == 0, path);
	pixDestroy(&pix);
}

static void write_pdf(const char *folder, const struct sample *sample)
{
	char path[1024];
	(void)snprintf(path, sizeof path, "%s/%s.pdf", folder, sample->name);
	cairo_surface_t *surface = cairo_pdf_surface_create(path, WIDTH_PX * PT_PER_PX, HEIGHT_PX * PT_PER_PX);
	cairo_t *cairo = cairo_create(surface);
	cairo_scale(cairo, PT_PER_PX, PT_PER_PX);
	draw_sample(cairo, sample);
	cairo_show_page(cairo);
	check(cairo_status(cairo) == CAIRO_STATUS_SUCCESS, path);
	cairo_destroy(cairo);
	cairo_surface_finish(surface);
	check(cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS, path);
	cairo_surface_destroy(surface);
}

/* A picture of the page with nothing but a page number as text. */
static void write_scan(const char *folder, const struct sample *sample)
{
	char path[1024];
	(void)snprintf(path, sizeof path, "%s/scan.pdf", folder);
	cairo_surface_t *picture = draw_image(sample);
	cairo_surface_t *surface = cairo_pdf_surface_create(path, WIDTH_PX * PT_PER_PX, HEIGHT_PX * PT_PER_PX);
	cairo_t *cairo = cairo_create(surface);
	cairo_scale(cairo, PT_PER_PX, PT_PER_PX);
	cairo_set_source_surface(cairo, picture, 0, 0);
	cairo_paint(cairo);
	cairo_set_source_rgb(cairo, 0.0, 0.0, 0.0);
	cairo_set_font_size(cairo, 30);
	cairo_move_to(cairo, WIDTH_PX / 2.0, HEIGHT_PX - 80.0);
	cairo_show_text(cairo, "17");
	check(cairo_status(cairo) == CAIRO_STATUS_SUCCESS, path);
	cairo_destroy(cairo);
	cairo_surface_finish(surface);
	cairo_surface_destroy(surface);
	cairo_surface_destroy(picture);
}

static void write_tiff(const char *folder)
{
	char path[1024];
	(void)snprintf(path, sizeof path, "%s/pages.tif", folder);
	for (int i = 0; i < 2; i++) {
		PIX *grey = draw_pix(&samples[i]);
		PIX *bits = grey ? pixThresholdToBinary(grey, 128) : NULL;
		if (bits)
			(void)pixSetResolution(bits, DPI, DPI);
		check(bits && pixWriteTiff(path, bits, IFF_TIFF_G4, i == 0 ? "w" : "a") == 0, path);
		pixDestroy(&bits);
		pixDestroy(&grey);
	}
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		(void)fprintf(stderr, "usage: make_samples FOLDER\n");
		return 64;
	}
	const char *folder = argv[1];
	for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
		if (!has_font(&samples[i])) {
			(void)fprintf(stderr, "no font for %s, left out\n", samples[i].name);
			continue;
		}
		write_pix(folder, &samples[i], "png", IFF_PNG);
		write_truth(folder, &samples[i]);
	}
	write_pix(folder, &samples[0], "jpg", IFF_JFIF_JPEG);
	write_pdf(folder, &samples[0]);
	if (has_font(&samples[2]))
		write_pdf(folder, &samples[2]);
	write_scan(folder, &samples[0]);
	write_tiff(folder);
	return failures ? 74 : 0;
}
