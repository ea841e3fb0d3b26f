"""Trains the adapter: ``python benchmarks/actor/train.py BASE.gguf SEQUENCES.json OUT``.

Needs what requirements.txt lists; nothing of confide. A GPU is used where there is one.

Law: the adapter is trained over the weights that it will be used with. The base is the quantised file itself, read back
into 32-bit floats, so that what quantisation did to it is part of what the adapter corrects.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

IGNORED: Final = -100
"""The label of a token that is read but not learned; transformers leaves it out of the loss."""
MOST_TOKENS: Final = 2048
"""Longer sequences are cut."""
TOKENS_PER_SEQUENCE: Final = 512
"""A batch holds as many padded tokens as ``--batch`` sequences of this length, however long its own are."""
JITTER: Final = 40
"""Sequences are sorted by length plus up to this many tokens, so that batches differ between epochs."""
WARM_UP: Final = 30
"""Steps over which the learning rate rises."""
FLOOR: Final = 0.05
"""Share of the learning rate that is left at the end."""
LAYERS: Final = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
"""What is adapted: every linear layer of a block."""


class Example(NamedTuple):
    """A sequence in tokens."""

    tokens: list[int]
    labels: list[int]
    """The same tokens where they are to be learned, ``IGNORED`` elsewhere."""


Batch = list[Example]


class Trainee(NamedTuple):
    """The model and what it takes to feed it."""

    model: Any
    filler: int
    """The token that batches are padded with. It is masked, so which one does not matter."""
    device: str
    batch: int
    """Size of a batch, in sequences of ``TOKENS_PER_SEQUENCE``."""


def encode(sequence: list[tuple[str, str, int]], tokenizer: Any) -> Example:
    """A sequence in the base model's chat markup. The mark that ends a message is learned too, so that replies end."""
    start, end = (tokenizer.convert_tokens_to_ids(mark) for mark in ("<|im_start|>", "<|im_end|>"))
    line_break = tokenizer.encode("\n", add_special_tokens=False)
    tokens: list[int] = []
    labels: list[int] = []
    for role, text, learn in sequence:
        head = [start, *tokenizer.encode(role, add_special_tokens=False), *line_break]
        body = [*tokenizer.encode(text, add_special_tokens=False), end]
        tokens += head + body + line_break
        labels += [IGNORED] * len(head) + (body if learn else [IGNORED] * len(body)) + [IGNORED] * len(line_break)
    return Example(tokens[:MOST_TOKENS], labels[:MOST_TOKENS])


def read_examples(file: Path, tokenizer: Any, limit: int) -> tuple[list[Example], list[Example]]:
    """What to train on, and one in forty that is held out to watch the loss on."""
    examples = [encode(sequence, tokenizer) for sequence in json.loads(file.read_text(encoding="utf-8"))]
    random.shuffle(examples)
    if limit:
        examples = examples[:limit]
    held_out = max(8, len(examples) // 40)
    return examples[held_out:], examples[:held_out]


def batches(examples: list[Example], size: int) -> list[Batch]:
    """Batches of sequences of about one length, in random order; other ones at every call."""
    by_length = sorted(examples, key=lambda example: len(example.tokens) + random.random() * JITTER)
    found: list[Batch] = []
    current: Batch = []
    for example in by_length:
        longest = max(len(example.tokens), len(current[-1].tokens)) if current else 0
        if current and (len(current) + 1) * longest > size * TOKENS_PER_SEQUENCE:
            found.append(current)
            current = []
        current.append(example)
    found.append(current)
    random.shuffle(found)
    return found


def loss_of(trainee: Trainee, batch: Batch) -> Any:
    """The mean loss over the tokens of a batch that are to be learned."""
    longest = max(len(example.tokens) for example in batch)
    padding = [longest - len(example.tokens) for example in batch]
    rows = {
        "input_ids": [example.tokens + [trainee.filler] * gap for example, gap in zip(batch, padding, strict=True)],
        "labels": [example.labels + [IGNORED] * gap for example, gap in zip(batch, padding, strict=True)],
        "attention_mask": [[1] * (longest - gap) + [0] * gap for gap in padding],
    }
    tensors = {name: torch.tensor(values).to(trainee.device) for name, values in rows.items()}
    with torch.autocast(trainee.device, dtype=torch.bfloat16, enabled=trainee.device == "cuda"):
        return trainee.model(**tensors).loss


def held_out_loss(trainee: Trainee, examples: list[Example]) -> float:
    """The mean loss of the batches of ``examples``."""
    trainee.model.eval()
    with torch.no_grad():
        losses = [loss_of(trainee, batch).item() for batch in batches(examples, trainee.batch)]
    trainee.model.train()
    return float(sum(losses) / len(losses))


def rate_factor(step: int, steps: int) -> float:
    """Share of the learning rate at a step: a short rise, then half a cosine down to the floor."""
    cosine = 0.5 * (1 + math.cos(math.pi * step / steps))
    return min(1, step / WARM_UP) * (cosine * (1 - FLOOR) + FLOOR)


def endless(examples: list[Example], size: int) -> Iterator[Batch]:
    """Batches, epoch after epoch."""
    while True:
        yield from batches(examples, size)


def train(trainee: Trainee, examples: list[Example], held_out: list[Example], epochs: float, peak_rate: float) -> None:
    """Train the adapter in place, printing the loss about twelve times."""
    learned = [weights for weights in trainee.model.parameters() if weights.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=peak_rate, weight_decay=0.01, betas=(0.9, 0.98))
    # Of its own draw: a later epoch may have a batch more or less.
    steps = int(epochs * len(batches(examples, trainee.batch)))
    began = time.monotonic()
    print(f"held out before: {held_out_loss(trainee, held_out):.4f}", flush=True)
    for step, batch in zip(range(steps), endless(examples, trainee.batch), strict=False):
        for group in optimizer.param_groups:
            group["lr"] = peak_rate * rate_factor(step, steps)
        loss = loss_of(trainee, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trainee.model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        done = step + 1
        if done % max(1, steps // 12) == 0:
            seconds = time.monotonic() - began
            held = held_out_loss(trainee, held_out)
            print(f"step {done} of {steps}: loss {loss.item():.4f}, held out {held:.4f}, {seconds:.0f} s", flush=True)


def save(model: Any, alpha: int, out: str) -> None:
    """Write the adapter's matrices as 16-bit floats, in two parts of about the same size."""
    matrices = {
        name: weights.detach().float().cpu().numpy().astype(np.float16)
        for name, weights in model.state_dict().items()
        if "lora_" in name
    }
    names = sorted(matrices)
    half = len(names) // 2
    for part, kept in enumerate((names[:half], names[half:])):
        np.savez(f"{out}{part}.npz", alpha=alpha, **{name: matrices[name] for name in kept})
    size = sum(matrix.nbytes for matrix in matrices.values())
    print(f"saved {len(matrices)} matrices, {size / 1e6:.1f} MB")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the adapter.")
    parser.add_argument("base", type=Path, help="the base model, a GGUF file")
    parser.add_argument("sequences", type=Path, help="the JSON file that prepare.py wrote")
    parser.add_argument("out", help="where to write: OUT0.npz and OUT1.npz")
    parser.add_argument("--epochs", type=float, default=4, help="times through the sequences (default: %(default)s)")
    parser.add_argument("--rank", type=int, default=32, help="rank; alpha is twice that (default: %(default)s)")
    parser.add_argument("--lr", type=float, default=6e-4, help="highest learning rate (default: %(default)s)")
    parser.add_argument(
        "--batch", type=int, default=32, help="batch, in sequences of 512 tokens (default: %(default)s)"
    )
    parser.add_argument("--limit", type=int, default=0, help="train on so many sequences only, to try things out")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    torch.manual_seed(0)
    random.seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    folder, name = arguments.base.parent, arguments.base.name
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32).to(device)
    examples, held_out = read_examples(arguments.sequences, tokenizer, arguments.limit)
    tokens = sum(len(example.tokens) for example in examples)
    learned = sum(label != IGNORED for example in examples for label in example.labels)
    print(f"{len(examples)} sequences and {len(held_out)} held out; {tokens} tokens, {learned} to learn", flush=True)
    alpha = 2 * arguments.rank
    config = LoraConfig(
        r=arguments.rank, lora_alpha=alpha, lora_dropout=0.05, target_modules=LAYERS, task_type="CAUSAL_LM"
    )
    model = get_peft_model(model, config)
    model.print_trainable_parameters()
    filler = tokenizer.convert_tokens_to_ids("<|im_end|>")
    trainee = Trainee(model, filler, device, arguments.batch)
    train(trainee, examples, held_out, arguments.epochs, arguments.lr)
    save(model, alpha, arguments.out)


if __name__ == "__main__":
    main()
