#include <string.h>

#include "base/cleanup.h"
#include "models/convert.h"
#include "models/onnx.h"

/* The tensors in the file's order. Singleton dimensions are dropped where `squeeze`. */
static const struct part {
	const char *name; /* in the ONNX file without, in ours with a leading "_" */
	enum weights_type type;
	bool squeeze;
} parts[] = {
	{ "_model.encoder.0.reparam_conv.weight", WEIGHTS_F16, true },
	{ "_model.encoder.0.reparam_conv.bias", WEIGHTS_F32, true },
	{ "_model.encoder.1.reparam_conv.weight", WEIGHTS_F16, true },
	{ "_model.encoder.1.reparam_conv.bias", WEIGHTS_F32, true },
	{ "_model.encoder.2.reparam_conv.weight", WEIGHTS_F16, true },
	{ "_model.encoder.2.reparam_conv.bias", WEIGHTS_F32, true },
	{ "_model.encoder.3.reparam_conv.weight", WEIGHTS_F16, true },
	{ "_model.encoder.3.reparam_conv.bias", WEIGHTS_F32, true },
	{ "_model.decoder.rnn.weight_ih", WEIGHTS_F32, true },
	{ "_model.decoder.rnn.weight_hh", WEIGHTS_F32, true },
	{ "_model.decoder.rnn.bias_ih", WEIGHTS_F32, true },
	{ "_model.decoder.rnn.bias_hh", WEIGHTS_F32, true },
	{ "_model.decoder.decoder.2.weight", WEIGHTS_F16, true },
	{ "_model.decoder.decoder.2.bias", WEIGHTS_F32, true },
	{ "_model.stft.forward_basis_buffer", WEIGHTS_F16, false },
};

/* After the magic and the type's name: version 6.2.0; window, context and layers; each convolution's channels and
 * kernel; the LSTM's sizes; the last convolution's channels. */
static const char type_name[] = "silero-16k";
static const uint32_t head[] = {
	6, 2, 0, 512, 64, 4, 129, 128, 3, 128, 64, 3, 64, 64, 3, 64, 128, 3, 128, 128, 128, 1
};

static void squeeze(struct tensor *t)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < t->dims; i++) {
		if (t->dim[i] != 1)
			t->dim[kept++] = t->dim[i];
	}
	t->dims = kept;
}

enum err_code convert_silero(const struct io_map *model, struct sink *sink, struct err *err)
{
	struct onnx onnx;
	enum err_code code = onnx_read(model->data, model->size, &onnx, err);
	if (code)
		return code;
	sink_u32(sink, WEIGHTS_MAGIC);
	sink_u32(sink, (uint32_t)strlen(type_name));
	sink_write(sink, type_name, strlen(type_name));
	for (size_t i = 0; i < ARRAY_LEN(head); i++)
		sink_u32(sink, head[i]);
	for (size_t i = 0; i < ARRAY_LEN(parts) && !code; i++) {
		const struct tensor *found = onnx_find(&onnx, parts[i].name + 1);
		if (!found || found->type != TENSOR_F32) {
			code = err_set(err, ERR_CORRUPT, "the ONNX file has no float tensor \"%s\"", parts[i].name + 1);
			break;
		}
		struct tensor t = *found;
		if (parts[i].squeeze)
			squeeze(&t);
		weights_put_tensor(sink, parts[i].name, &t, parts[i].type);
	}
	onnx_done(&onnx);
	return code;
}
