"""Turns CTranslate2's Whisper weights (float16) into the ggml file that whisper.cpp's own programs read.

The bench converts for itself, so that the peers do not depend on the program that is measured. Formats:
CTranslate2 model.bin version 6 and whisper.cpp's ggml file as its models/convert-pt-to-ggml.py writes it.

    python convert.py CT2_FOLDER OUT.bin
"""
import os
import struct
import sys

import numpy as np

TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
MAGIC = 0x67676D6C


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, kind):
        value, = struct.unpack_from("<" + kind, self.data, self.at)
        self.at += struct.calcsize("<" + kind)
        return value

    def string(self):
        length = self.number("H")
        self.at += length
        return self.data[self.at - length:self.at - 1].decode()

    def tensor(self):
        name = self.string()
        shape = [self.number("I") for _ in range(self.number("B"))]
        kind, size = TYPES[self.number("B")], self.number("I")
        values = np.frombuffer(self.data, kind, size // np.dtype(kind).itemsize, self.at)
        self.at += size
        return name, values.reshape(shape)


def read_ct2(path):
    with open(path, "rb") as f:
        reader = Reader(f.read())
    version, spec = reader.number("I"), reader.string()
    if version != 6 or spec != "WhisperSpec":
        raise SystemExit(f"{path}: not a Whisper model of CTranslate2's version 6")
    reader.number("I")  # revision
    return dict(reader.tensor() for _ in range(reader.number("I")))


def mel_filters(bands):
    """Slaney's mel filters for 16 kHz and 400 points, as in Whisper."""
    break_hz, step_hz, log_step = 1000.0, 200 / 3, np.log(6.4) / 27

    def to_hz(mel):
        linear = mel * step_hz
        return np.where(mel >= break_hz / step_hz, break_hz * np.exp(log_step * (mel - break_hz / step_hz)), linear)

    top_mel = break_hz / step_hz + np.log(8000 / break_hz) / log_step
    edges = to_hz(np.linspace(0, top_mel, bands + 2))
    slopes = edges[:, None] - np.fft.rfftfreq(400, 1 / 16000)[None, :]
    width = np.diff(edges)[:, None]
    rising, falling = -slopes[:-2] / width[:-1], slopes[2:] / width[1:]
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32) * (2 / (edges[2:] - edges[:-2]))[:, None]


def vocabulary(path):
    """Bytes of the text tokens: GPT-2 writes each byte as a printable character."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    byte_of = {chr(b): b for b in printable} | {chr(256 + i): b for i, b in enumerate(others)}
    with open(path, encoding="utf-8") as f:
        tokens = f.read().split("\n")
    return [bytes(byte_of[c] for c in token) for token in tokens[:tokens.index("<|endoftext|>")]]


def attention(tensors, out, target, source, cross):
    """Query, key and value are one matrix, or query apart from the other two; the key's bias is always zero."""
    def part(number, kind):
        return tensors[f"{source}/linear_{number}/{kind}"]

    if cross:
        weights = [part(0, "weight"), *np.split(part(1, "weight"), 2)]
        biases = [part(0, "bias"), *np.split(part(1, "bias"), 2)]
    else:
        weights, biases = np.split(part(0, "weight"), 3), np.split(part(0, "bias"), 3)
    last = 2 if cross else 1
    out |= {f"{target}.query.weight": weights[0], f"{target}.query.bias": biases[0], f"{target}.key.weight": weights[1],
            f"{target}.value.weight": weights[2], f"{target}.value.bias": biases[2],
            f"{target}.out.weight": part(last, "weight"), f"{target}.out.bias": part(last, "bias")}


def norm(tensors, out, target, source):
    out |= {f"{target}.weight": tensors[f"{source}/gamma"], f"{target}.bias": tensors[f"{source}/beta"]}


def blocks(tensors, out, side):
    layer = 0
    while f"{side}/layer_{layer}/ffn/layer_norm/gamma" in tensors:
        source, target = f"{side}/layer_{layer}", f"{side}.blocks.{layer}"
        norm(tensors, out, f"{target}.mlp_ln", f"{source}/ffn/layer_norm")
        for number, ours in ((0, 0), (1, 2)):
            for kind in ("weight", "bias"):
                out[f"{target}.mlp.{ours}.{kind}"] = tensors[f"{source}/ffn/linear_{number}/{kind}"]
        norm(tensors, out, f"{target}.attn_ln", f"{source}/self_attention/layer_norm")
        attention(tensors, out, f"{target}.attn", f"{source}/self_attention", cross=False)
        if side == "decoder":
            norm(tensors, out, f"{target}.cross_attn_ln", f"{source}/attention/layer_norm")
            attention(tensors, out, f"{target}.cross_attn", f"{source}/attention", cross=True)
        layer += 1
    return layer


def ggml_tensors(tensors):
    out = {"decoder.positional_embedding": tensors["decoder/position_encodings/encodings"],
           "encoder.positional_embedding": tensors["encoder/position_encodings/encodings"],
           "decoder.token_embedding.weight": tensors["decoder/embeddings/weight"]}
    decoder_layers = blocks(tensors, out, "decoder")
    norm(tensors, out, "decoder.ln", "decoder/layer_norm")
    for conv in ("conv1", "conv2"):
        out[f"encoder.{conv}.weight"] = tensors[f"encoder/{conv}/weight"]
        out[f"encoder.{conv}.bias"] = tensors[f"encoder/{conv}/bias"].reshape(-1, 1)
    encoder_layers = blocks(tensors, out, "encoder")
    norm(tensors, out, "encoder.ln_post", "encoder/layer_norm")
    return out, encoder_layers, decoder_layers


def write_tensor(f, name, values):
    single = values.ndim < 2 or name.endswith(("positional_embedding", "conv1.bias", "conv2.bias"))
    values = np.ascontiguousarray(values, "<f4" if single else "<f2")
    f.write(struct.pack("<3i", values.ndim, len(name), 0 if single else 1))
    f.write(struct.pack(f"<{values.ndim}i", *values.shape[::-1]) + name.encode() + values.tobytes())


def convert(folder, path):
    tensors = read_ct2(os.path.join(folder, "model.bin"))
    tokens = vocabulary(os.path.join(folder, "vocabulary.txt"))
    out, encoder_layers, decoder_layers = ggml_tensors(tensors)
    vocabulary_size, text_state = out["decoder.token_embedding.weight"].shape
    audio_context, audio_state = out["encoder.positional_embedding"].shape
    bands = out["encoder.conv1.weight"].shape[1]
    with open(path, "wb") as f:
        # Heads are 64 wide in every Whisper model; the 1 says float16.
        f.write(struct.pack("<12i", MAGIC, vocabulary_size, audio_context, audio_state, audio_state // 64,
                            encoder_layers, len(out["decoder.positional_embedding"]), text_state, text_state // 64,
                            decoder_layers, bands, 1))
        filters = mel_filters(bands).astype("<f4")
        f.write(struct.pack("<2i", *filters.shape) + filters.tobytes())
        f.write(struct.pack("<i", len(tokens)))
        for token in tokens:
            f.write(struct.pack("<i", len(token)) + token)
        for name, values in out.items():
            write_tensor(f, name, values)


if __name__ == "__main__":
    convert(*sys.argv[1:3])
