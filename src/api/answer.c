#include "api/answer.h"

#include <time.h>

#include "base/clock.h"
#include "http/response.h"

enum { NO_CONTENT = 204, UNAVAILABLE = 503 };

void api_key_id(struct json *j, const char *key, const struct uuid *id)
{
	char text[UUID_TEXT_SIZE];
	uuid_text(id, text);
	json_key_str(j, key, text);
}

void api_key_time(struct json *j, const char *key, int64_t us)
{
	char text[64];
	struct tm tm;
	time_t s = (time_t)(us / US_PER_S);
	if (!gmtime_r(&s, &tm))
		tm = (struct tm){ .tm_mday = 1, .tm_year = 70 };
	(void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	json_key_str(j, key, text);
}

void api_answer(struct http_request *request, int status, const struct strbuf *body)
{
	if (body->failed)
		http_reply_error(request, UNAVAILABLE, NULL);
	else
		http_reply_json(request, status, body);
}

void api_answer_nothing(struct http_request *request)
{
	http_reply(request, &(struct http_reply){ .status = NO_CONTENT });
}
