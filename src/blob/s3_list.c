#include <stdlib.h>
#include <string.h>

#include "blob/s3_priv.h"

static struct s3_store *of(struct blob_store *store)
{
	return (struct s3_store *)store;
}

/* What a listing's elements have in common. */
struct item {
	char key[BLOB_KEY_MAX + 1];
	char number[32], time[40], upload_id[S3_TOKEN_MAX];
};

/* A page, asked for with these parameters. */
static enum err_code get_page(struct s3_store *store, const struct s3_param *params, size_t count,
			      struct s3_answer *ret, struct err *err)
{
	struct s3_request request = { .method = S3_GET, .params = params, .param_count = count };
	enum err_code code = s3_perform(store, &request, ret, err);
	if (!code && ret->status != 200)
		code = s3_unexpected(store, &request, ret, err);
	return code;
}

static bool is_truncated(struct s3_span page)
{
	char text[8];
	return s3_xml_text(page, "IsTruncated", text, sizeof text) && strcmp(text, "true") == 0;
}

/* An object as told; false for one that is none of ours. */
static bool read_object(struct s3_span inner, struct item *item, struct blob_info *ret)
{
	*ret = (struct blob_info){ .key = item->key };
	if (!s3_xml_text(inner, "Key", item->key, sizeof item->key) || !blob_key_valid(item->key) ||
	    !s3_xml_text(inner, "Size", item->number, sizeof item->number) ||
	    !s3_xml_text(inner, "LastModified", item->time, sizeof item->time) || !s3_time(item->time, &ret->time_us))
		return false;
	ret->size_bytes = strtoull(item->number, NULL, 10);
	return true;
}

enum err_code s3_list(struct blob_store *store, const char *prefix, blob_list_fn *fn, void *owner, struct err *err)
{
	char token[S3_TOKEN_MAX] = "";
	for (;;) {
		const struct s3_param params[] = { { "continuation-token", token },
						   { "list-type", "2" },
						   { "prefix", prefix } };
		bool first = token[0] == '\0';
		cleanup_answer struct s3_answer answer = { 0 };
		enum err_code code = get_page(of(store), params + first, ARRAY_LEN(params) - first, &answer, err);
		if (code)
			return code;
		struct s3_span page = { strbuf_str(&answer.text), answer.text.len }, rest = page, inner;
		while (s3_xml_next(&rest, "Contents", &inner)) {
			struct item item;
			struct blob_info info;
			if (read_object(inner, &item, &info) && !fn(owner, &info))
				return ERR_OK;
		}
		if (!is_truncated(page))
			return ERR_OK;
		if (!s3_xml_text(page, "NextContinuationToken", token, sizeof token) || !token[0])
			return err_set(err, ERR_NETWORK, "\"%s\": a listing cannot be continued", of(store)->endpoint);
	}
}

/* What is done with one unfinished upload; false ends the walk. */
typedef bool upload_fn(void *owner, const struct blob_info *info, const char *upload_id);

static bool read_upload(struct s3_span inner, struct item *item, struct blob_info *ret)
{
	*ret = (struct blob_info){ .key = item->key };
	return s3_xml_text(inner, "Key", item->key, sizeof item->key) && blob_key_valid(item->key) &&
	       s3_xml_text(inner, "UploadId", item->upload_id, sizeof item->upload_id) &&
	       s3_xml_text(inner, "Initiated", item->time, sizeof item->time) && s3_time(item->time, &ret->time_us);
}

static enum err_code walk_uploads(struct blob_store *store, int64_t before_us, upload_fn *fn, void *owner,
				  struct err *err)
{
	char key[BLOB_KEY_MAX + 1] = "", id[S3_TOKEN_MAX] = "";
	for (;;) {
		const struct s3_param params[] = { { "key-marker", key },
						   { "upload-id-marker", id },
						   { "uploads", "" } };
		size_t first = key[0] ? 0 : 2;
		cleanup_answer struct s3_answer answer = { 0 };
		enum err_code code = get_page(of(store), params + first, ARRAY_LEN(params) - first, &answer, err);
		if (code)
			return code;
		struct s3_span page = { strbuf_str(&answer.text), answer.text.len }, rest = page, inner;
		while (s3_xml_next(&rest, "Upload", &inner)) {
			struct item item;
			struct blob_info info;
			if (read_upload(inner, &item, &info) && info.time_us < before_us &&
			    !fn(owner, &info, item.upload_id))
				return ERR_OK;
		}
		if (!is_truncated(page))
			return ERR_OK;
		if (!s3_xml_text(page, "NextKeyMarker", key, sizeof key) || !key[0] ||
		    !s3_xml_text(page, "NextUploadIdMarker", id, sizeof id))
			return err_set(err, ERR_NETWORK, "\"%s\": a listing cannot be continued", of(store)->endpoint);
	}
}

struct teller {
	blob_list_fn *fn;
	void *owner;
};

static bool tell_upload(void *owner, const struct blob_info *info, const char *upload_id)
{
	(void)upload_id;
	const struct teller *teller = owner;
	return teller->fn(teller->owner, info);
}

enum err_code s3_list_unfinished(struct blob_store *store, int64_t before_us, blob_list_fn *fn, void *owner,
				 struct err *err)
{
	struct teller teller = { fn, owner };
	return walk_uploads(store, before_us, tell_upload, &teller, err);
}

struct aborter {
	struct s3_store *store;
	uint64_t count;
	enum err_code code;
	struct err *err;
};

static bool abort_upload(void *owner, const struct blob_info *info, const char *upload_id)
{
	struct aborter *aborter = owner;
	const struct s3_param param = { "uploadId", upload_id };
	struct s3_request request = { .method = S3_DELETE, .key = info->key, .params = &param, .param_count = 1 };
	cleanup_answer struct s3_answer answer = { 0 };
	aborter->code = s3_perform(aborter->store, &request, &answer, aborter->err);
	aborter->count += !aborter->code;
	return !aborter->code;
}

enum err_code s3_abort_unfinished(struct blob_store *store, int64_t before_us, uint64_t *ret_count, struct err *err)
{
	struct aborter aborter = { .store = of(store), .err = err };
	enum err_code code = walk_uploads(store, before_us, abort_upload, &aborter, err);
	*ret_count = aborter.count;
	return code ? code : aborter.code;
}
