"""What a network's sensors read where nothing leaks, from what flows in, its tanks and its pumps.

Each sensor by itself: reading ≈ c · terms, with the terms

    1, Q^1.852, the level of each tank, and of each pump whether it runs and that times Q

of the sum Q of the inflows, by least squares over a training span. 1.852 is the exponent of Hazen
and Williams' loss of head: what holds in a winter's week then holds for summer's demand. What a
leak takes flows in as well, so Q explains it as if it were used everywhere; that it is used in one
place is what remains.

Laws:
- a leak q moves a sensor by d(Q^1.852) ~ Q^0.852 q: twice as much by day as at night. A mean weighs
  each block by that, so that it is as great in each hour of the day and in each season;
- what remains is told in sigmas of the training's own residual, one for each sensor;
- the error of a mean is that of the noise and that of the fit, z (ZᵀZ)⁻¹ zᵀ with z the
  mean terms: it grows where the network is run as it never was while training (summer's demand).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kel.model.frame import Float64
from rules.core.by_slot import copies

LEAST_SHARE = 0.5  # of the training that a sensor must have been heard in
LOSS = 1.852  # the exponent of the loss of head
LEAST_SIGMA = 1e-9  # of the reading's size; a sensor that never moves cannot be judged


def terms(inflow: Float64, levels: Float64, running: Float64) -> Float64:
    """(n, terms), for inflows (n, i), levels (n, t) and whether pumps run, 0 or 1, (n, p).

    A term that is not known is NaN."""
    q = inflow.sum(axis=1, keepdims=True)
    loss = np.sign(q) * np.abs(q) ** LOSS
    return np.hstack([np.ones_like(q), loss, levels, running, running * q])


@dataclass(frozen=True, slots=True)
class Response:
    """scale: (terms,) the size of each term while training; coefficients: (terms, m);
    sigma: (m,), NaN where a sensor was heard too seldom; spread: (terms, terms) (ZᵀZ)⁻¹;
    usual: () the training's mean loss of head, 1 where it is none."""

    scale: Float64
    coefficients: Float64
    sigma: Float64
    spread: Float64
    usual: Float64

    def residuals(self, z: Float64, readings: Float64) -> Float64:
        """In sigmas, (m,), of terms (terms,) and readings (m,); NaN where not known."""
        left: Float64 = (readings - (z / self.scale) @ self.coefficients) / self.sigma
        return left

    def weights(self, z: Float64) -> Float64:
        """By how much a leak moves the sensors in blocks with terms (n, terms), (n,), where it is
        about 1 while training."""
        moves: Float64 = np.abs(z[:, 1] / self.usual) ** ((LOSS - 1) / LOSS)
        return moves

    def error(self, z: Float64) -> float:
        """The expected error, in sigmas, of a sensor's weighed mean over blocks (n, terms)."""
        weights = self.weights(z)
        heavy = weights @ weights
        z = weights @ (z / self.scale) / heavy
        return float(np.sqrt(1.0 / heavy + z @ self.spread @ z))

    def state(self) -> dict[str, NDArray[np.generic]]:
        return copies(self, _ARRAYS)


_ARRAYS = ("scale", "coefficients", "sigma", "spread", "usual")


def restored(state: Mapping[str, NDArray[np.generic]]) -> Response:
    """What `state` gave."""
    return Response(**{name: state[name].astype(np.float64) for name in _ARRAYS})


def fit(z: Float64, readings: Float64) -> Response:
    """Of terms (n, terms) and readings (n, m), NaN where a sensor was silent.

    Raises LinAlgError where the terms have no fit, such as where they are not finite."""
    if not np.isfinite(z).all():
        raise np.linalg.LinAlgError("the terms are not finite")
    usual = np.abs(z[:, 1]).mean()
    scale = np.abs(z).max(axis=0)
    scale[scale == 0] = 1.0
    z = z / scale
    spread: Float64 = np.linalg.pinv(z.T @ z).astype(np.float64)
    m, free = readings.shape[1], int(np.linalg.matrix_rank(z))
    coefficients, sigma = np.zeros((z.shape[1], m)), np.full(m, np.nan)
    for sensor in range(m):
        heard = ~np.isnan(readings[:, sensor])
        if heard.sum() < max(LEAST_SHARE * len(z), free + 2):
            continue
        told = readings[heard, sensor]
        try:
            found = np.linalg.lstsq(z[heard], told, rcond=None)[0]
        except np.linalg.LinAlgError:
            continue
        coefficients[:, sensor] = found
        left = told - z[heard] @ coefficients[:, sensor]
        deviation = float(np.sqrt(left @ left / (heard.sum() - free)))
        if deviation > LEAST_SIGMA * max(float(np.abs(told).max()), 1.0):
            sigma[sensor] = deviation
    return Response(scale, coefficients, sigma, spread, np.array(usual if usual > 0 else 1.0))
