#include "models/half.h"

#include <math.h>
#include <string.h>

enum { HALF_INFINITY = 0x7C00, HALF_NAN = 0x7E00, FLOAT_BIAS = 127, HALF_BIAS = 15, FRACTION_DIFFERENCE = 13 };

float half_to_float(uint16_t half)
{
	uint32_t sign = (uint32_t)(half & 0x8000) << 16;
	uint32_t exponent = (half >> 10) & 31;
	uint32_t fraction = half & 0x3FF;
	float value;
	if (exponent == 0) {
		value = ldexpf((float)fraction, -24);
		return sign ? -value : value;
	}
	uint32_t wide = exponent == 31 ? 255 : exponent - HALF_BIAS + FLOAT_BIAS;
	uint32_t bits = sign | wide << 23 | fraction << FRACTION_DIFFERENCE;
	memcpy(&value, &bits, sizeof value);
	return value;
}

/* Drops `bits` low bits of `value`, rounding to nearest, ties to even. */
static uint32_t round_off(uint32_t value, unsigned bits)
{
	uint32_t rest = value & ((1u << bits) - 1);
	uint32_t middle = 1u << (bits - 1);
	uint32_t kept = value >> bits;
	return kept + (rest > middle || (rest == middle && (kept & 1)));
}

uint16_t half_from_float(float value)
{
	uint32_t bits;
	memcpy(&bits, &value, sizeof bits);
	uint16_t sign = (uint16_t)((bits >> 16) & 0x8000);
	int exponent = (int)((bits >> 23) & 255) - FLOAT_BIAS + HALF_BIAS;
	uint32_t fraction = bits & 0x7FFFFF;
	if ((bits & 0x7FFFFFFF) > 0x7F800000)
		return sign | HALF_NAN;
	if (exponent >= 31)
		return sign | HALF_INFINITY;
	if (exponent > 0) /* a carry out of the fraction is the next exponent, as it should be */
		return (uint16_t)(sign | round_off((uint32_t)exponent << 23 | fraction, FRACTION_DIFFERENCE));
	if (exponent < -10)
		return sign;
	return (uint16_t)(sign | round_off(fraction | 0x800000, (unsigned)(FRACTION_DIFFERENCE + 1 - exponent)));
}
