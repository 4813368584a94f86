#include "files/kind.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

struct mark {
	const char *bytes;
	size_t len;
	size_t offset;
	enum file_kind kind;
	const char *name;
};

#define MARK(offset, text, kind, name)                                                                                 \
	{                                                                                                              \
		text, sizeof(text) - 1, offset, kind, name                                                             \
	}

/* From the formats' own documents; the first that fits counts. */
static const struct mark marks[] = {
	/* Containers that hold pictures too, by what they say further on. */
	MARK(8, "WEBP", FILE_KIND_PAGE, "a WebP image"),
	MARK(4, "ftypheic", FILE_KIND_PAGE, "a HEIC image"),
	MARK(4, "ftypheix", FILE_KIND_PAGE, "a HEIC image"),
	MARK(4, "ftypmif1", FILE_KIND_PAGE, "a HEIF image"),
	MARK(4, "ftypavif", FILE_KIND_PAGE, "an AVIF image"),
	MARK(0, "RIFF", FILE_KIND_SOUND, "a RIFF recording"),
	MARK(0, "RF64", FILE_KIND_SOUND, "an RF64 recording"),
	MARK(0, "FORM", FILE_KIND_SOUND, "an AIFF recording"),
	MARK(4, "ftyp", FILE_KIND_SOUND, "an MP4 recording"),
	MARK(0, "ID3", FILE_KIND_SOUND, "an MP3 recording"),
	MARK(0, "fLaC", FILE_KIND_SOUND, "a FLAC recording"),
	MARK(0, "OggS", FILE_KIND_SOUND, "an Ogg recording"),
	MARK(0, "\x1a\x45\xdf\xa3", FILE_KIND_SOUND, "a Matroska recording"),
	MARK(0, "#!AMR", FILE_KIND_SOUND, "an AMR recording"),
	MARK(0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", FILE_KIND_SOUND, "a Windows Media recording"),

	MARK(0, "%PDF-", FILE_KIND_PAGE, "a PDF document"),
	MARK(0, "\x89PNG\r\n\x1a\n", FILE_KIND_PAGE, "a PNG image"),
	MARK(0, "\xff\xd8\xff", FILE_KIND_PAGE, "a JPEG image"),
	MARK(0, "GIF87a", FILE_KIND_PAGE, "a GIF image"),
	MARK(0, "GIF89a", FILE_KIND_PAGE, "a GIF image"),
	MARK(0, "II*\0", FILE_KIND_PAGE, "a TIFF image"),
	MARK(0, "MM\0*", FILE_KIND_PAGE, "a TIFF image"),
	MARK(0, "\0\0\0\x0cjP  \r\n\x87\n", FILE_KIND_PAGE, "a JPEG 2000 image"),

	MARK(0, "PK\x03\x04", FILE_KIND_OTHER, "a ZIP archive or an office document"),
	MARK(0, "PK\x05\x06", FILE_KIND_OTHER, "an empty ZIP archive"),
	MARK(0, "\x1f\x8b", FILE_KIND_OTHER, "a gzip archive"),
	MARK(0, "BZh", FILE_KIND_OTHER, "a bzip2 archive"),
	MARK(0,
	     "\xfd"
	     "7zXZ\0",
	     FILE_KIND_OTHER, "an xz archive"),
	MARK(0, "7z\xbc\xaf\x27\x1c", FILE_KIND_OTHER, "a 7z archive"),
	MARK(0, "Rar!\x1a\x07", FILE_KIND_OTHER, "a RAR archive"),
	MARK(0, "\x28\xb5\x2f\xfd", FILE_KIND_OTHER, "a zstd archive"),
	MARK(0,
	     "\x7f"
	     "ELF",
	     FILE_KIND_OTHER, "a program"),
	MARK(0, "MZ", FILE_KIND_OTHER, "a program"),
	MARK(0, "\xcf\xfa\xed\xfe", FILE_KIND_OTHER, "a program"),
	MARK(0, "\xca\xfe\xba\xbe", FILE_KIND_OTHER, "a program"),
	MARK(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FILE_KIND_OTHER, "an office document"),
	MARK(0, "SQLite format 3\0", FILE_KIND_OTHER, "a database"),
};

/* Well-formed UTF-8 without control characters but blanks and line ends. A character that is cut at the end is fine. */
static bool is_text(const char *bytes, size_t len)
{
	size_t at = 0;
	while (at < len) {
		unsigned char c = (unsigned char)bytes[at];
		size_t step = utf8_valid_prefix(bytes + at, len - at);
		if ((c < ' ' && !memchr("\t\n\r\f", c, 4)) || c == 0x7f)
			return false;
		if (step == 0)
			return c >= 0xc2 && len - at < 4 && len == FILE_KIND_BYTES;
		at += step;
	}
	return len > 0;
}

enum file_kind file_kind_of(const void *bytes, size_t len, const char **ret_name)
{
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		const struct mark *mark = &marks[i];
		if (len >= mark->offset + mark->len &&
		    memcmp((const char *)bytes + mark->offset, mark->bytes, mark->len) == 0) {
			*ret_name = mark->name;
			return mark->kind;
		}
	}
	if (is_text(bytes, len < FILE_KIND_BYTES ? len : FILE_KIND_BYTES)) {
		*ret_name = "text";
		return FILE_KIND_TEXT;
	}
	*ret_name = "";
	return FILE_KIND_UNKNOWN;
}
