/* What the server says about itself: health, and the documents of the API. Errors are {"error": text}. */
#ifndef TIRO_API_META_META_H
#define TIRO_API_META_META_H

#include "api/call.h"

/* health.c */
extern const struct http_handler meta_livez, meta_readyz;
/* documents.c */
extern const struct http_handler meta_openapi, meta_docs;

/* Made by the build out of docs/openapi.json and docs.html (embed.py). */
extern const char meta_openapi_text[];
extern const unsigned long meta_openapi_len;
extern const char meta_docs_text[];
extern const unsigned long meta_docs_len;
/* For the page: its own script and style by their hashes, and this server. */
extern const char meta_docs_policy[];

#endif
