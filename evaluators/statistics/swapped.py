"""Counts of two arms, and the distance between the arms under many swaps at once."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from confide.evaluators.statistics.clustered import Clusters, numbered

Array = NDArray[np.float64]
_SWAPPED: Final = [2, 3, 0, 1]
_TINY: Final = 1e-300
_ROUNDING: Final = 1e-9


class _Nested(NamedTuple):
    """A kind of clusters each of which is swapped as a whole: sums of products are all that is needed."""

    fixed: Array
    """Half the sum over units of the products as they are and swapped, 4 x 4 x rows x labels."""
    moved: Array
    """Half their difference, units x (4 x 4 x rows x labels)."""
    factor: float
    size: int


class _Crossed(NamedTuple):
    """A kind of clusters that swaps take apart."""

    mean: Array
    """Mean of the arms' counts, clusters x rows x labels."""
    half: Array
    """Half of the arms' difference within each unit, units x (clusters x rows x labels)."""
    factor: float
    size: int


class SwappedTables:
    """Tables of counts, one per pair and arm; see :func:`transition_test` for what is computed.

    All figures are sums over pairs, so those of a swap are products of the row of signs with sums over units.
    """

    def __init__(self, one: Array, other: Array, units: NDArray[np.intp], clusters: Clusters | None) -> None:
        """Sum what can be summed before any swap; ``one`` and ``other`` have the shape pairs x rows x labels."""
        self._shape = one.shape[1:]
        self._units = units
        self._size = int(units.max()) + 1
        self._half = _summed((one - other) / 2, units).reshape(self._size, -1)
        self._whole = ((one + other) / 2).sum(axis=0)
        kinds = [] if clusters is None else [numbered(kind) for kind in clusters]
        if clusters is not None and len(kinds) == 2:
            kinds.append(numbered(list(zip(*clusters, strict=True))))
        self._kinds = [self._kind(one, other, kind) for kind in kinds]
        if len(self._kinds) == 3 and not isinstance(self._kinds[2], _Nested):
            raise ValueError("pairs of the same scenario and personas are not swapped together")
        self.width = max([1, *(kind.half.shape[1] for kind in self._kinds if isinstance(kind, _Crossed))]) + one[0].size

    def _kind(self, one: Array, other: Array, kind: NDArray[np.intp]) -> _Nested | _Crossed:
        size = int(kind.max()) + 1
        factor = size / max(size - 1, 1)
        unit = np.zeros(size, dtype=np.intp)
        unit[kind] = self._units
        a, b = _summed(one, kind), _summed(other, kind)
        if (unit[kind] != self._units).any():
            half = np.zeros((self._size, size, *self._shape))
            np.add.at(half, (self._units, kind), (one - other) / 2)
            return _Crossed((a + b) / 2, half.reshape(self._size, -1), factor, size)
        rows = [np.broadcast_to(table.sum(axis=-1, keepdims=True), a.shape) for table in (a, b)]
        parts = np.stack([a, rows[0], b, rows[1]])
        products = np.zeros((self._size, 4, 4, *self._shape))
        np.add.at(products, unit, np.einsum("icrl,jcrl->cijrl", parts, parts))
        swapped = products[:, _SWAPPED][:, :, _SWAPPED]
        moved = (products - swapped).reshape(self._size, -1) / 2
        return _Nested((products + swapped).sum(axis=0) / 2, moved, factor, size)

    def divergences(self, signs: Array) -> Array:
        """The squared distance under each swap; ``signs`` has the shape swaps x units."""
        return self._pooled(signs)[0]

    def compared(self, signs: Array) -> Array:
        """What swaps are compared by: the squared distance, over what chance makes of it where there are clusters."""
        divergence, chances, totals = self._pooled(signs)
        return divergence if not self._kinds else divergence / self._expected(signs, chances, totals)

    def _pooled(self, signs: Array) -> tuple[Array, Array, Array]:
        """Divergences; and per arm and swap the probabilities and row totals (infinite for rows that are left out)."""
        shift = (signs @ self._half).reshape(-1, *self._shape)
        arms = np.stack([self._whole + shift, self._whole - shift])
        arms[arms < _ROUNDING] = 0
        totals = arms.sum(axis=-1, keepdims=True)
        usable = (totals > 0).all(axis=0)
        chances = np.where(usable, arms / np.where(totals > 0, totals, 1), 0.0)
        weights = np.where(usable, totals.sum(axis=0), 0.0)[..., 0]
        divergence = (_row_divergences(chances) * weights).sum(axis=-1) / np.maximum(weights.sum(axis=-1), _TINY)
        return np.clip(divergence, 0, None), chances, np.where(usable, totals, np.inf)

    def _expected(self, signs: Array, chances: Array, totals: Array) -> Array:
        """Clustered variances of the differences in probability, in units of the divergence, up to a constant.

        A pair's influence on a difference is k . (count, row sum, other arm's count, other arm's row sum).

        The variance of both kinds' combinations holds a share of each kind's own, which is taken out before it is
        subtracted: otherwise slopes make the error too small in the data, but less so under swaps, which break slopes.
        """
        k = np.stack([1 / totals[0] + 0 * chances[0], -chances[0] / totals[0], -1 / totals[1] + 0 * chances[1]])
        k = np.concatenate([k, (chances[1] / totals[1])[None]])
        middle = chances.mean(axis=0)
        share = np.where(np.isfinite(totals), totals, 0.0).sum(axis=0)
        weight = share / np.where(middle > 0, middle, np.inf) / np.maximum(share.sum(axis=(1, 2), keepdims=True), _TINY)
        parts = [self._spread(kind, signs, k, weight) * kind.factor for kind in self._kinds]
        found = parts[0]
        if len(parts) == 3:
            one, other = (1 / kind.size for kind in self._kinds[:2])
            both = (parts[2] - parts[0] * other - parts[1] * one) / max(1 - one - other, 0.5)
            found = np.maximum(parts[0] + parts[1] - np.maximum(both, 0), np.maximum(*parts[:2]))
        result: Array = np.maximum(found, _TINY)
        return result

    def _spread(self, kind: _Nested | _Crossed, signs: Array, k: Array, weight: Array) -> Array:
        """Weighted sums of squared influences of clusters, one per swap."""
        moved = signs @ (kind.moved if isinstance(kind, _Nested) else kind.half)
        if isinstance(kind, _Nested):
            products = kind.fixed + moved.reshape(-1, 4, 4, *self._shape)
            found: Array = np.einsum("isrl,jsrl,sijrl->s", k, k * weight, products, optimize=True)
            return found
        shift = moved.reshape(len(signs), -1, *self._shape)
        influence = k[0][:, None] * (kind.mean + shift) + k[2][:, None] * (kind.mean - shift)
        rows, row_shift = kind.mean.sum(axis=-1, keepdims=True), shift.sum(axis=-1, keepdims=True)
        influence += k[1][:, None] * (rows + row_shift) + k[3][:, None] * (rows - row_shift)
        result: Array = np.einsum("scrl,scrl,srl->s", influence, influence, weight, optimize=True)
        return result


def _summed(tables: Array, index: NDArray[np.intp]) -> Array:
    found = np.zeros((int(index.max()) + 1, *tables.shape[1:]))
    np.add.at(found, index, tables)
    return found


def _row_divergences(chances: Array) -> Array:
    """Jensen-Shannon divergences, base 2, of two arms' rows: the entropy of the mean less the mean entropy."""
    parts = np.stack([chances.mean(axis=0), *chances])
    logs = np.log2(np.where(parts > 0, parts, 1))
    entropies = -(parts * logs).sum(axis=-1)
    found: Array = entropies[0] - (entropies[1] + entropies[2]) / 2
    return found
