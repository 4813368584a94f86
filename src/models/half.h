/*
 * IEEE 754 binary16 and binary32, rounding to nearest, ties to even. Portable: compilers differ in what half
 * types they have. Thread-safe.
 */
#ifndef TIRO_MODELS_HALF_H
#define TIRO_MODELS_HALF_H

#include <stdint.h>

float half_to_float(uint16_t half);

/* Above 65504 becomes infinity; NaN stays a NaN. */
uint16_t half_from_float(float value);

#endif
