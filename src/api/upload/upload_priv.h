/* Between the files of an upload: upload.c (its life), parts.c (the form), options.c. */
#ifndef TIRO_API_UPLOAD_UPLOAD_PRIV_H
#define TIRO_API_UPLOAD_UPLOAD_PRIV_H

#include "api/upload/upload.h"

/* The form's parser's callbacks; their owner is the upload. */
extern const struct multipart_ops api_upload_parts;

/* Starts to store the file, whose first bytes are in the head. Errors: ERR_BAD_MEDIA, those of intake_new. */
enum err_code api_upload_begin_file(struct api_upload *upload, struct err *err) MUST_CHECK;

/* The kind's option of that name; NULL: none. */
const struct api_upload_option *api_upload_find_option(const struct api_upload *upload, const char *name);

/* Takes all options of the query. */
enum err_code api_upload_take_query(struct api_upload *upload, struct err *err) MUST_CHECK;

#endif
