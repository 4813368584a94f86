#include "media/audio_formats.h"

#include <string.h>

#include "base/cleanup.h"

/* Names as av_find_input_format knows them; one demuxer may answer to several, joined by commas. */
static const char *const formats[] = {
	"aac",	 "ac3",	       "aiff",		"amr",	"ape",
	"asf",	 "au",	       "avi",		"caf",	"dsf",
	"dts",	 "eac3",       "flac",		"flv",	"gsm",
	"ircam", "loas",       "matroska,webm", "mlp",	"mov,mp4,m4a,3gp,3g2,mj2",
	"mp3",	 "mpc",	       "mpc8",		"mpeg", "mpegts",
	"mxf",	 "nistsphere", "nut",		"ogg",	"qcp",
	"rm",	 "shn",	       "sox",		"tak",	"truehd",
	"tta",	 "voc",	       "w64",		"wav",	"wv",
	"xwma",
};

static const char *const playlists[] = { "applehttp", "concat", "dash", "hls",
					 "imf",	      "rtsp",	"sdp",	"webm_dash_manifest" };

static const char *const codecs[] = {
	"aac",	    "aac_latm",	  "ac3",	"alac",		"amrnb",       "amrwb",	 "ape",	     "atrac1",
	"atrac3",   "atrac3al",	  "atrac3plus", "comfortnoise", "cook",	       "dca",	 "dss_sp",   "eac3",
	"evrc",	    "flac",	  "g722",	"g723_1",	"g729",	       "gsm",	 "gsm_ms",   "ilbc",
	"mlp",	    "mp1",	  "mp1float",	"mp2",		"mp2float",    "mp3",	 "mp3float", "mpc7",
	"mpc8",	    "nellymoser", "opus",	"qcelp",	"qdm2",	       "qdmc",	 "real_144", "real_288",
	"s302m",    "shorten",	  "sipr",	"msnsiren",	"speex",       "tak",	 "truehd",   "truespeech",
	"tta",	    "twinvq",	  "vorbis",	"wavpack",	"wmalossless", "wmapro", "wmav1",    "wmav2",
	"wmavoice",
};

/* Families of plain, small decoders. */
static const char *const codec_families[] = { "pcm_", "adpcm_", "dsd_", "g726" };

static bool is_among(const char *name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(name, list[i]) == 0)
			return true;
	}
	return false;
}

bool audio_format_is_allowed(const AVInputFormat *format)
{
	return is_among(format->name, formats, ARRAY_LEN(formats));
}

bool audio_format_is_playlist(const AVInputFormat *format)
{
	return is_among(format->name, playlists, ARRAY_LEN(playlists));
}

bool audio_codec_is_allowed(const AVCodec *codec)
{
	if (codec->type != AVMEDIA_TYPE_AUDIO)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(codec_families); i++) {
		if (strncmp(codec->name, codec_families[i], strlen(codec_families[i])) == 0)
			return true;
	}
	return is_among(codec->name, codecs, ARRAY_LEN(codecs));
}

void audio_codec_list(struct strbuf *out)
{
	void *iterator = NULL;
	for (const AVCodec *codec = av_codec_iterate(&iterator); codec; codec = av_codec_iterate(&iterator)) {
		if (!av_codec_is_decoder(codec) || !audio_codec_is_allowed(codec))
			continue;
		if (out->len > 0)
			strbuf_add_char(out, ',');
		strbuf_add_str(out, codec->name);
	}
}
