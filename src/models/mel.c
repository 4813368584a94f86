#include "models/mel.h"

#include <math.h>

static const double linear_hz = 200.0 / 3; /* per mel below the corner */
static const double corner_hz = 1000.0;

static double corner_mel(void)
{
	return corner_hz / linear_hz;
}

static double log_step(void)
{
	return log(6.4) / 27.0;
}

static double mel_of_hz(double hz)
{
	return hz >= corner_hz ? corner_mel() + log(hz / corner_hz) / log_step() : hz / linear_hz;
}

static double hz_of_mel(double mel)
{
	return mel >= corner_mel() ? corner_hz * exp(log_step() * (mel - corner_mel())) : linear_hz * mel;
}

void mel_filters(uint32_t bands, float *ret)
{
	double edge_hz[MEL_BANDS_MAX + 2] = { 0 };
	double top_mel = mel_of_hz(MEL_RATE / 2.0);
	double step_mel = top_mel / (bands + 1);
	for (uint32_t i = 0; i < bands + 1; i++)
		edge_hz[i] = hz_of_mel(i * step_mel);
	edge_hz[bands + 1] = hz_of_mel(top_mel);
	double bin_hz = 1.0 / (MEL_FFT * (1.0 / MEL_RATE));
	for (uint32_t band = 0; band < bands; band++) {
		const double *edge = edge_hz + band;
		double height = 2.0 / (edge[2] - edge[0]);
		for (uint32_t column = 0; column < MEL_COLUMNS; column++) {
			double hz = column * bin_hz;
			double rise = -(edge[0] - hz) / (edge[1] - edge[0]);
			double fall = (edge[2] - hz) / (edge[2] - edge[1]);
			double lower = fmin(rise, fall);
			/* Never -0, which fmax() may give: the published file begins with +0. The table was rounded to
			 * float32 before it was scaled, and again after. */
			float triangle = lower > 0 ? (float)lower : 0;
			ret[band * MEL_COLUMNS + column] = (float)((double)triangle * height);
		}
	}
}
