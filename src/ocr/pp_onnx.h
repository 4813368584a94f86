/*
 * What a model file in ONNX's format says about itself. Only the outermost message (ModelProto) is read: the
 * network is OpenVINO's business. The bytes may be anything: every length is checked. Thread-safe.
 */
#ifndef TIRO_OCR_PP_ONNX_H
#define TIRO_OCR_PP_ONNX_H

#include <stdbool.h>
#include <stddef.h>

/* Finds the metadata entry `key`; the value is borrowed from `bytes`. False: no such entry, or not ONNX. */
bool pp_onnx_metadata(const void *bytes, size_t len, const char *key, const char **ret_value, size_t *ret_len);

#endif
