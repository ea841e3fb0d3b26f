"""Writes a trained adapter as a GGUF file for llama.cpp: ``python benchmarks/actor/to_gguf.py OUT PART...``.

Needs what requirements.txt lists; nothing of confide. It knows one base model, SmolLM2-135M: see ``HEADS``.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import gguf
import numpy as np
import numpy.typing as npt

HEADS: Final = {"q_proj": 9, "k_proj": 3}
"""Attention heads that SmolLM2-135M has in its query and its key projection."""

NAMES: Final = {
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}
"""What llama.cpp calls the layers that transformers calls by the names on the left."""

KINDS: Final = ("f16", "q8_0")
BLOCK: Final = 32
"""Q8_0 stores numbers in blocks of this many: a row must be a whole number of them."""

TENSOR: Final = re.compile(r"layers\.(\d+)\.\w+\.(\w+_proj)\.lora_([AB])")

Floats = npt.NDArray[np.float32]


def read_parts(parts: list[Path]) -> dict[str, npt.NDArray[np.generic]]:
    """The arrays of all parts, in order."""
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    for part in parts:
        arrays.update(np.load(part))
    return arrays


def permuted(weights: Floats, heads: int) -> Floats:
    """The rows in llama.cpp's order.

    transformers turns the first half of a head's rows against the second half (rotary positions), llama.cpp each row
    against its neighbour. The base weights were reordered when they were converted, so the adapter must be too. It is
    the outputs that are reordered, hence only the B matrices.
    """
    rows, rank = weights.shape
    return weights.reshape(heads, 2, rows // heads // 2, rank).swapaxes(1, 2).reshape(rows, rank)


def write_adapter(out: Path, arrays: Mapping[str, npt.NDArray[np.generic]], kind: str) -> None:
    """Write the adapter that ``arrays`` hold.

    Args:
        out: the file to write.
        arrays: LoRA matrices by the names that train.py gives them, and ``alpha``.
        kind: ``f16``, or ``q8_0``, which is about half the size.
    """
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(arrays["alpha"]))
    writer.add_name("confide actor")
    for key, array in arrays.items():
        match = TENSOR.search(key)
        if not match:
            continue
        layer, projection, matrix = match.groups()
        weights = array.astype(np.float32)
        if matrix == "B" and projection in HEADS:
            weights = permuted(weights, HEADS[projection])
        add_tensor(writer, f"blk.{layer}.{NAMES[projection]}.weight.lora_{matrix.lower()}", weights, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_tensor(writer: gguf.GGUFWriter, name: str, weights: Floats, kind: str) -> None:
    """Add one matrix: as Q8_0 where that is asked for and its rows allow it, else as 16-bit floats."""
    if kind == "q8_0" and weights.shape[-1] % BLOCK == 0:
        q8_0 = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(name, gguf.quants.quantize(weights, q8_0), raw_dtype=q8_0)
    else:
        writer.add_tensor(name, np.ascontiguousarray(weights.astype(np.float16)))


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a trained adapter as a GGUF file.")
    parser.add_argument("out", type=Path, help="the GGUF file to write")
    parser.add_argument("parts", type=Path, nargs="+", help="the .npz files that train.py wrote")
    parser.add_argument("--kind", choices=KINDS, default="f16", help="how numbers are stored (default: %(default)s)")
    arguments = parser.parse_args()
    write_adapter(arguments.out, read_parts(arguments.parts), arguments.kind)


if __name__ == "__main__":
    main()
