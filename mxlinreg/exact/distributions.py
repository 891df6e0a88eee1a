"""Student's t and Fisher's F distribution, to 12 digits.

Both are computed from the continued fraction of the incomplete beta function (NIST Digital Library
of Mathematical Functions, 8.17.22).
"""

import math


def t_p_value(t: float, dof: int) -> float:
    """The two-sided p value of `t` for Student's t with `dof` degrees of freedom."""
    if dof <= 0 or not math.isfinite(t):
        return 0.0 if dof > 0 and math.isinf(t) else math.nan
    return _incomplete_beta(dof, t * t, dof / 2, 0.5)


def f_p_value(f: float, dof1: int, dof2: int) -> float:
    """The p value of `f` for Fisher's F with `dof1` and `dof2` degrees of freedom."""
    if min(dof1, dof2) <= 0 or not math.isfinite(f):
        return 0.0 if min(dof1, dof2) > 0 and f == math.inf else math.nan
    if f <= 0:
        return 1.0
    return _incomplete_beta(dof2, dof1 * f, dof2 / 2, dof1 / 2)


def t_quantile(dof: int) -> float:
    """The t whose two-sided p value is 0.05."""
    if dof <= 0:
        return math.nan
    t = 1.9
    log_density = -_log_beta(dof / 2, 0.5) - 0.5 * math.log(dof)
    while True:  # Newton's method, which converges from the left because the function is convex
        density = math.exp(log_density - (dof + 1) / 2 * math.log1p(t * t / dof))
        step = (t_p_value(t, dof) - 0.05) / (2 * density)
        t += step
        if step <= 1e-13 * t:
            return t


def _incomplete_beta(u, v, a, b):
    """The regularized ``I_x(a, b)`` at ``x = u / (u + v)``; u and v give 1 - x to all digits."""
    x, rest = u / (u + v), v / (u + v)
    if x > a / (a + b):
        return 1 - _incomplete_beta(v, u, b, a)
    if x == 0:
        return 0.0
    log_x = -math.log1p(v / u) if v < u else math.log(x)
    log_rest = -math.log1p(u / v) if u < v else math.log(rest)
    front = math.exp(a * log_x + b * log_rest - _log_beta(a, b)) / a
    # Evaluate the even part of the fraction from the front, by Lentz's method.
    fraction = c = _odd_and_one(0, x, rest, a, b)[1]
    n, d = 0, 0.0
    while n == 0 or abs(c * d - 1) > 1e-15:
        odd, _ = _odd_and_one(n, x, rest, a, b)
        n += 1
        even = n * (b - n) * x / ((a + 2 * n - 1) * (a + 2 * n))
        term = even + _odd_and_one(n, x, rest, a, b)[1]
        c = term - odd * even / c
        d = 1 / (term - odd * even * d)
        fraction *= c * d
    return front / fraction


def _odd_and_one(n, x, rest, a, b):
    """The fraction's coefficient of index 2 n + 1, and that coefficient plus 1."""
    product, denominator = (a + n) * (a + b + n), (a + 2 * n) * (a + 2 * n + 1)
    odd = -product * x / denominator
    if x < rest:
        return odd, 1 + odd
    # The same sum, in a form without cancellation at large a.
    return odd, (a * (2 * n + 1 - b) + n * (3 * n + 2 - b) + product * rest) / denominator


def _log_beta(a, b):
    """``log(B(a, b))``. For large arguments it avoids the cancellation between log-gammas."""
    a, b = max(a, b), min(a, b)
    if a < 20:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    # Stirling's series for the two larger log-gammas.
    rest = _stirling_rest(a) - _stirling_rest(a + b)
    return math.lgamma(b) + b - (a - 0.5) * math.log1p(b / a) - b * math.log(a + b) + rest


def _stirling_rest(x):
    s = 1 / (x * x)
    return (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s / 1188)))) / x
