"""Quantiles of the F and the χ² distribution, for limits of statistics.

Both are found by bisection on their distribution functions: the regularised incomplete beta
function (its continued fraction) and the regularised incomplete gamma function (its series), as in
Abramowitz & Stegun, Handbook of Mathematical Functions, 6.5.29 and 26.5.8.
"""

import math
from collections.abc import Callable

_STEPS = 500  # terms at most; far fewer are needed for degrees of freedom up to some thousands
_TINY = 1e-300
_EPSILON = 1e-14


def f_quantile(p: float, d1: float, d2: float) -> float:
    """The value that F(d1, d2) is under with probability `p`, 0 < p < 1."""
    return _solve(lambda x: _beta(d1 / 2, d2 / 2, d1 * x / (d1 * x + d2)), p)


def chi2_quantile(p: float, d: float) -> float:
    """The value that χ²(d) is under with probability `p`, 0 < p < 1; `d` need not be whole."""
    return _solve(lambda x: _gamma(d / 2, x / 2), p)


def _solve(below: Callable[[float], float], p: float) -> float:
    low, high = 0.0, 1.0
    while below(high) < p:
        low, high = high, 2 * high
        if high > 1e12:
            return math.inf
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < p else (low, middle)
    return (low + high) / 2


def _gamma(a: float, x: float) -> float:
    """P(a, x), regularised."""
    if x <= 0:
        return 0.0
    if x > a + 40 * math.sqrt(a) + 80:
        return 1.0
    term = total = 1 / a
    n = a
    while term > total * _EPSILON:
        n += 1
        term *= x / n
        total += term
    return min(total * math.exp(a * math.log(x) - x - math.lgamma(a)), 1.0)


def _beta(a: float, b: float, x: float) -> float:
    """I_x(a, b), regularised."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):  # where the fraction is slow
        return 1 - _beta(b, a, 1 - x)
    log = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(log + a * math.log(x) + b * math.log1p(-x)) / a
    return front * _fraction(a, b, x)


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method."""
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or _TINY)
    value = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for step in (even, odd):
            d = 1 / (1 + step * d or _TINY)
            c = 1 + step / c or _TINY
            value *= c * d
        if abs(c * d - 1) < _EPSILON:
            break
    return value
