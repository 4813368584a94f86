/*
 * Draws a text file as a page image, for the demo and the tests: black serif text on white, as from a scanner
 * at 200 dpi. The first line is the title, lines are kept as they are.
 *
 *   make_page TEXT.txt PAGE.png
 */
#include <cairo.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum {
	WIDTH_PX = 1240,
	HEIGHT_PX = 900,
	MARGIN_PX = 110,
	TITLE_PX = 46,
	TEXT_PX = 36,
	LINE_PX = 54,
	LINE_MAX_BYTES = 256
};

static void draw_lines(cairo_t *cairo, FILE *text)
{
	char line[LINE_MAX_BYTES];
	int y = MARGIN_PX + TITLE_PX;
	cairo_set_source_rgb(cairo, 0.1, 0.1, 0.1);
	cairo_set_font_size(cairo, TITLE_PX);
	while (fgets(line, sizeof line, text)) {
		line[strcspn(line, "\n")] = '\0';
		cairo_move_to(cairo, MARGIN_PX, y);
		cairo_show_text(cairo, line);
		cairo_set_font_size(cairo, TEXT_PX);
		y += LINE_PX;
	}
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		(void)fprintf(stderr, "usage: make_page TEXT.txt PAGE.png\n");
		return EX_USAGE;
	}
	FILE *text = fopen(argv[1], "re");
	if (!text) {
		perror(argv[1]);
		return EX_NOINPUT;
	}
	cairo_surface_t *page = cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH_PX, HEIGHT_PX);
	cairo_t *cairo = cairo_create(page);
	cairo_set_source_rgb(cairo, 1, 1, 1);
	cairo_paint(cairo);
	cairo_select_font_face(cairo, "serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
	draw_lines(cairo, text);
	cairo_destroy(cairo);
	cairo_status_t status = cairo_surface_write_to_png(page, argv[2]);
	cairo_surface_destroy(page);
	(void)fclose(text);
	if (status != CAIRO_STATUS_SUCCESS) {
		(void)fprintf(stderr, "%s: %s\n", argv[2], cairo_status_to_string(status));
		return EX_IOERR;
	}
	return EX_OK;
}
