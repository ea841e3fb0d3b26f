"""Randomness has one owner: every seed in a run derives from the run's seed, the pair key and the purpose.

Conditions of one pair key share their seeds, so that a difference between them is not a difference in luck.
"""

from __future__ import annotations

import hashlib


def derive_seed(run_seed: int, pair_key: str, purpose: str) -> int:
    """A seed from 0 to 2^31 - 1, which every server accepts.

    Args:
        run_seed: the run's own seed.
        pair_key: what conditions are compared within.
        purpose: what the seed is for, such as ``speak:7``.
    """
    digest = hashlib.sha256(f"{run_seed}\x1f{pair_key}\x1f{purpose}".encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF
