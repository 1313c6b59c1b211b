"""Least squares with no negative part: x ≥ 0 that makes |A x − b| least.

The active-set method of Lawson and Hanson (Solving Least Squares Problems, 1974, chapter 23).
"""

import numpy as np

from kel.model.frame import Float64

TINY = 1e-10  # of the greatest product: less is rounding
MOST_TURNS = 30  # per column


def nnls(a: Float64, b: Float64) -> Float64:
    """x (k,) for A (m, k) and b (m,); of columns that say the same, the first is taken.

    Where A or b is not finite, or no solution is found, x is what was found by then."""
    k = a.shape[1]
    x, free = np.zeros(k), np.zeros(k, np.bool_)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return x
    least = TINY * max(float(np.abs(a.T @ b).max(initial=0.0)), TINY)
    for _ in range(MOST_TURNS * k):
        gain = np.where(free, -np.inf, a.T @ (b - a @ x))
        if not k or gain.max() <= least:
            break
        free[int(np.argmax(gain))] = True
        while True:
            wanted = np.zeros(k)
            try:
                wanted[free] = np.linalg.lstsq(a[:, free], b, rcond=None)[0]
            except np.linalg.LinAlgError:
                return x
            if (wanted[free] > 0).all():
                break
            falling = free & (wanted <= 0)
            step = np.min(x[falling] / (x[falling] - wanted[falling]))
            x = x + step * (wanted - x)
            free &= x > TINY
            x[~free] = 0.0
            if not free.any():
                wanted = np.zeros(k)
                break
        x = wanted
    return x
