"""Student's t and Fisher's F distribution, by the continued fraction of the incomplete beta
function (NIST Digital Library of Mathematical Functions, 8.17.22), to 12 digits."""

import math


def t_p_value(t: float, dof: int) -> float:
    """The probability of a value beyond `t` to either side: Student's t, `dof` degrees."""
    if dof <= 0 or not math.isfinite(t):
        return 0.0 if dof > 0 and math.isinf(t) else math.nan
    return _incomplete_beta(dof, t * t, dof / 2, 0.5)


def f_p_value(f: float, dof1: int, dof2: int) -> float:
    """The probability of a value above `f`: Fisher's F, `dof1` and `dof2` degrees."""
    if min(dof1, dof2) <= 0 or not math.isfinite(f):
        return 0.0 if min(dof1, dof2) > 0 and f == math.inf else math.nan
    if f <= 0:
        return 1.0
    return _incomplete_beta(dof2, dof1 * f, dof2 / 2, dof1 / 2)


def t_quantile(dof: int) -> float:
    """The t beyond which, to either side, lies a probability of 5 %."""
    if dof <= 0:
        return math.nan
    t = 1.9
    log_density = -_log_beta(dof / 2, 0.5) - 0.5 * math.log(dof)
    while True:  # Newton's method; the function is convex, and it begins on the left
        density = math.exp(log_density - (dof + 1) / 2 * math.log1p(t * t / dof))
        step = (t_p_value(t, dof) - 0.05) / (2 * density)
        t += step
        if step <= 1e-13 * t:
            return t


def _incomplete_beta(u, v, a, b):
    """The regularised ``I_x(a, b)`` at ``x = u / (u + v)``; both parts keep x and 1 - x exact."""
    x, rest = u / (u + v), v / (u + v)
    if x > a / (a + b):
        return 1 - _incomplete_beta(v, u, b, a)
    if x == 0:
        return 0.0
    log_x = -math.log1p(v / u) if v < u else math.log(x)
    log_rest = -math.log1p(u / v) if u < v else math.log(rest)
    front = math.exp(a * log_x + b * log_rest - _log_beta(a, b)) / a
    # The even part of the fraction, taken from its front in Lentz's way.
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
    """The fraction's coefficient of index 2 n + 1, and what it makes with 1."""
    product, denominator = (a + n) * (a + b + n), (a + 2 * n) * (a + 2 * n + 1)
    odd = -product * x / denominator
    if x < rest:
        return odd, 1 + odd
    # The same sum where its parts would cancel at large a.
    return odd, (a * (2 * n + 1 - b) + n * (3 * n + 2 - b) + product * rest) / denominator


def _log_beta(a, b):
    """``log(B(a, b))``, where the larger one's logarithms of gamma would cancel, without them."""
    a, b = max(a, b), min(a, b)
    if a < 20:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    # Stirling's series for the larger two of the three.
    rest = _stirling_rest(a) - _stirling_rest(a + b)
    return math.lgamma(b) + b - (a - 0.5) * math.log1p(b / a) - b * math.log(a + b) + rest


def _stirling_rest(x):
    s = 1 / (x * x)
    return (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s / 1188)))) / x
