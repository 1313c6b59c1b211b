"""Principal components of a normal, and how far a value is from it: inside them, and beside them.

Of standardised values z (metrics), with R the past's correlation, v_i and λ_i its eigenvectors and
values, the first k of which explain enough of the variance:

    T²  = Σ_{i≤k} (v_iᵀ z)² / λ_i        far away, in a way that the metrics usually move together
    SPE = |z|² − Σ_{i≤k} (v_iᵀ z)²        a way in which they never did

(Jackson & Mudholkar, Technometrics 21, 1979; Kourti & MacGregor, Chemometrics 28, 1995.) Their
limits at `confidence`, of n values of the past with f of them free, are the greater of two: what
holds for normal values, and the past's own quantile:

    T²   k (f² − 1) / (f (f − k)) × F(k, f − k)
    SPE  g × χ²(h), g = variance / (2 mean), h = 2 mean² / variance of the past's SPE (Box 1954)

Each is told as the sum of what its metrics contribute:

    T²   z_j × Σ_{i≤k} v_ij (v_iᵀ z) / λ_i           SPE  (z − Σ_{i≤k} v_i v_iᵀ z)_j²
"""

import math
from dataclasses import dataclass

import numpy as np

from kel.model.frame import Float64
from rules.parts.quantile import chi2_quantile, f_quantile

LEAST_SHARE = 1e-9  # of the variance: less is rounding


@dataclass(frozen=True, slots=True)
class Components:
    """`inverse`: (m, m), so that T² = zᵀ inverse z; `beside`: (m, m), so that what lies beside the
    components is beside z; and both limits (infinite where nothing lies beside)."""

    inverse: Float64
    beside: Float64
    t2_limit: float
    spe_limit: float


def components(z: Float64, free: int, explained: float, confidence: float) -> Components:
    """Of the past's z, (n, m), `free` of which are free; `explained`: 0–1.

    Raises LinAlgError where z has no components, such as where it is not finite."""
    if not np.isfinite(z).all():
        raise np.linalg.LinAlgError("the past is not finite")
    m = z.shape[1]
    varies = np.any(z != 0, axis=0)
    correlation = z.T @ z / max(len(z), 1)
    spread = np.sqrt(np.where(varies, np.diag(correlation), 1.0))
    values, vectors = np.linalg.eigh(correlation / np.outer(spread, spread))
    values, vectors = values[::-1], vectors[:, ::-1]
    real = values > LEAST_SHARE * m
    share = np.cumsum(np.where(real, values, 0.0)) / max(float(np.sum(values[real])), LEAST_SHARE)
    k = min(int(np.searchsorted(share, explained - 1e-12)) + 1, int(np.count_nonzero(real)))
    first = vectors[:, :k]
    inverse = (first / values[:k]) @ first.T
    beside = np.eye(m) - first @ first.T
    t2, spe = statistics(inverse, beside, z)
    return Components(
        inverse, beside, _t2_limit(t2, k, free, confidence), _spe_limit(spe, m, confidence)
    )


def statistics(inverse: Float64, beside: Float64, z: Float64) -> tuple[Float64, Float64]:
    """T² and SPE of each z, (n, m); the matrices are (m, m), or (n, m, m): each its own."""
    to_t2, to_spe = contributions(inverse, beside, z)
    return np.sum(to_t2, axis=1), np.sum(to_spe, axis=1)


def contributions(inverse: Float64, beside: Float64, z: Float64) -> tuple[Float64, Float64]:
    """What each metric, (n, m), brings to T² and to SPE."""
    return z * _times(inverse, z), _times(beside, z) ** 2


def _times(matrix: Float64, z: Float64) -> Float64:
    return np.asarray(np.einsum("...ij,...j->...i", matrix, z), np.float64)


def _t2_limit(t2: Float64, k: int, free: int, confidence: float) -> float:
    own = float(np.quantile(t2, confidence, method="higher"))
    if k == 0:
        return math.inf
    if free <= k:
        return own
    normal = k * (free**2 - 1) / (free * (free - k)) * f_quantile(confidence, k, free - k)
    return max(own, normal)


def _spe_limit(spe: Float64, m: int, confidence: float) -> float:
    mean, variance = float(np.mean(spe)), float(np.var(spe))
    if mean <= LEAST_SHARE * m or variance <= 0:
        return math.inf
    box = variance / (2 * mean) * chi2_quantile(confidence, 2 * mean**2 / variance)
    return max(float(np.quantile(spe, confidence, method="higher")), box)
