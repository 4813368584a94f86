/*
 * The mel filter bank that Whisper was trained with: triangles on Slaney's scale (Auditory Toolbox, 1998; linear below
 * 1 kHz, logarithmic above), each of unit area, for 16 kHz audio and a 400-point FFT. Computed in double precision and
 * rounded to float32 where the reference table's author did, so that it equals that table bit by bit.
 */
#ifndef TIRO_MODELS_MEL_H
#define TIRO_MODELS_MEL_H

#include <stdint.h>

#define MEL_RATE 16000
#define MEL_FFT 400
#define MEL_COLUMNS (MEL_FFT / 2 + 1)
/* Bands of the largest model are 128; more than the columns would make empty triangles. */
#define MEL_BANDS_MAX 200

/* Fills `bands` rows of MEL_COLUMNS values; 1 <= bands <= MEL_BANDS_MAX. Thread-safe. */
void mel_filters(uint32_t bands, float *ret);

#endif
