/* An S3 server's answer of any bytes: elements lie within it, texts fit their room, and the search ends. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "blob/s3_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_apart(struct s3_span all, const char *name)
{
	struct s3_span rest = all, inner;
	char text[40];
	int64_t time_us;
	while (s3_xml_next(&rest, name, &inner)) {
		assert(inner.text >= all.text && inner.text + inner.len <= all.text + all.len);
		assert(rest.text + rest.len == all.text + all.len && rest.text >= inner.text + inner.len);
		if (s3_xml_text(inner, "Key", text, sizeof text))
			assert(memchr(text, '\0', sizeof text) != NULL);
	}
	if (s3_xml_text(all, "LastModified", text, sizeof text))
		(void)s3_time(text, &time_us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct s3_span all = { (const char *)data, size };
	take_apart(all, "Contents");
	take_apart(all, "Upload");
	take_apart(all, "Error");
	return 0;
}
