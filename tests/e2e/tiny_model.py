#!/usr/bin/python3
"""Writes a text model and a vision projector with random weights: MODEL.gguf PROJECTOR.gguf.

They answer nonsense, but they make a real llama-server speak its real protocol in a second. The
vocabulary has single letters and bytes, and each of turbonav's words as one token. A SentencePiece
tokenizer only finds a word by merging neighbours again and again, so every beginning of a word is a
token as well. The template is in the manner of Gemma 4: a system turn, and thinking as a switch.
"""

import sys

import gguf
import numpy as np

WORDS = ["stop", "forward", "left", "right", "backward", "none", "center"]
WIDTH, HEADS, LAYERS, FEED = 64, 4, 2, 128
VISION_WIDTH, VISION_LAYERS, PATCH, SIDE = 32, 1, 14, 56
CONTEXT = 8192
TEMPLATE = (
    "{% for m in messages %}<|turn>{{ m['role'] }}\n"
    "{% if loop.first and enable_thinking %}<|think|>{% endif %}"
    "{{ m['content'] }}<turn|>\n{% endfor %}<|turn>model\n"
)

random = np.random.default_rng(7)


def weights(*shape):
    return (random.standard_normal(shape) * 0.05).astype(np.float32)


def zeros(size):
    return np.zeros(size, np.float32)


def ones(size):
    return np.ones(size, np.float32)


def vocabulary():
    """Tokens, types and scores; a longer piece has the better score, so that it wins a merge."""
    tokens = [b"<unk>", b"<s>", b"</s>"] + [b"<0x%02X>" % byte for byte in range(256)]
    kinds = [2, 3, 3] + [6] * 256
    scores = [0.0] * len(tokens)
    pieces = [chr(code) for code in range(33, 127)] + ["\u2581"]
    for word in WORDS:
        pieces += [word[:size] for size in range(2, len(word) + 1)]
    for piece in dict.fromkeys(pieces):
        tokens.append(piece.encode())
        kinds.append(1)
        scores.append(float(len(piece)) - 100.0)
    return tokens, kinds, scores


def write_model(path):
    tokens, kinds, scores = vocabulary()
    out = gguf.GGUFWriter(path, "llama")
    out.add_name("tiny-random")
    out.add_context_length(CONTEXT)
    out.add_embedding_length(WIDTH)
    out.add_block_count(LAYERS)
    out.add_feed_forward_length(FEED)
    out.add_head_count(HEADS)
    out.add_head_count_kv(HEADS)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_rope_dimension_count(WIDTH // HEADS)
    out.add_vocab_size(len(tokens))
    out.add_file_type(0)
    out.add_tokenizer_model("llama")
    out.add_token_list(tokens)
    out.add_token_scores(scores)
    out.add_token_types(kinds)
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)
    out.add_unk_token_id(0)
    out.add_add_space_prefix(False)
    out.add_chat_template(TEMPLATE)
    out.add_tensor("token_embd.weight", weights(len(tokens), WIDTH))
    out.add_tensor("output_norm.weight", ones(WIDTH))
    out.add_tensor("output.weight", weights(len(tokens), WIDTH))
    for layer in range(LAYERS):
        name = f"blk.{layer}."
        for norm in ("attn_norm", "ffn_norm"):
            out.add_tensor(name + norm + ".weight", ones(WIDTH))
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            out.add_tensor(name + part + ".weight", weights(WIDTH, WIDTH))
        for part in ("ffn_gate", "ffn_up"):
            out.add_tensor(name + part + ".weight", weights(FEED, WIDTH))
        out.add_tensor(name + "ffn_down.weight", weights(WIDTH, FEED))
    finish(out)


def write_projector(path):
    out = gguf.GGUFWriter(path, "clip")
    out.add_name("tiny-projector")
    out.add_file_type(0)
    for key, value in (
        ("has_vision_encoder", True),
        ("has_text_encoder", False),
        ("has_llava_projector", True),
        ("use_gelu", True),
    ):
        out.add_bool("clip." + key, value)
    out.add_string("clip.projector_type", "mlp")
    for key, value in (
        ("image_size", SIDE),
        ("patch_size", PATCH),
        ("embedding_length", VISION_WIDTH),
        ("feed_forward_length", 2 * VISION_WIDTH),
        ("projection_dim", WIDTH),
        ("block_count", VISION_LAYERS),
        ("attention.head_count", 2),
    ):
        out.add_uint32("clip.vision." + key, value)
    out.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    out.add_array("clip.vision.image_mean", [0.5, 0.5, 0.5])
    out.add_array("clip.vision.image_std", [0.5, 0.5, 0.5])
    patches = (SIDE // PATCH) ** 2 + 1
    out.add_tensor("v.class_embd", weights(VISION_WIDTH))
    out.add_tensor("v.patch_embd.weight", weights(VISION_WIDTH, 3, PATCH, PATCH))
    out.add_tensor("v.position_embd.weight", weights(patches, VISION_WIDTH))
    out.add_tensor("v.pre_ln.weight", ones(VISION_WIDTH))
    out.add_tensor("v.pre_ln.bias", zeros(VISION_WIDTH))
    for layer in range(VISION_LAYERS):
        name = f"v.blk.{layer}."
        for part in ("attn_q", "attn_k", "attn_v", "attn_out"):
            out.add_tensor(name + part + ".weight", weights(VISION_WIDTH, VISION_WIDTH))
            out.add_tensor(name + part + ".bias", zeros(VISION_WIDTH))
        for norm in ("ln1", "ln2"):
            out.add_tensor(name + norm + ".weight", ones(VISION_WIDTH))
            out.add_tensor(name + norm + ".bias", zeros(VISION_WIDTH))
        out.add_tensor(name + "ffn_up.weight", weights(2 * VISION_WIDTH, VISION_WIDTH))
        out.add_tensor(name + "ffn_up.bias", zeros(2 * VISION_WIDTH))
        out.add_tensor(name + "ffn_down.weight", weights(VISION_WIDTH, 2 * VISION_WIDTH))
        out.add_tensor(name + "ffn_down.bias", zeros(VISION_WIDTH))
    for part, inner in (("0", VISION_WIDTH), ("2", WIDTH)):
        out.add_tensor(f"mm.{part}.weight", weights(WIDTH, inner))
        out.add_tensor(f"mm.{part}.bias", zeros(WIDTH))
    finish(out)


def finish(out):
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


if __name__ == "__main__":
    write_model(sys.argv[1])
    write_projector(sys.argv[2])
