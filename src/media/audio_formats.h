/*
 * Which of FFmpeg's demuxers and decoders may see a foreign file: containers that hold their own sound. Playlists,
 * image sequences, text subtitles, devices and everything that fetches other files are not among them.
 * Thread-safe: no state.
 */
#ifndef TIRO_MEDIA_AUDIO_FORMATS_H
#define TIRO_MEDIA_AUDIO_FORMATS_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdbool.h>

#include "base/strbuf.h"

bool audio_format_is_allowed(const AVInputFormat *format);

/* Formats that only point at other files: they deserve a message of their own. */
bool audio_format_is_playlist(const AVInputFormat *format);

bool audio_codec_is_allowed(const AVCodec *codec);

/* Names of all allowed decoders, joined by commas, as FFmpeg's option codec_whitelist takes them. */
void audio_codec_list(struct strbuf *out);

#endif
