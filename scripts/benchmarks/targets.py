"""The project's targets, and which of them the results meet."""

from .output import quartiles, ratios, spread, table, verdict
from .shapes import SHAPES, fastest, times_compiled
from .startup import BARE, more_than_bare

# Seconds more than Python alone takes.
STARTUP = ("import mxlinreg", 0.1), ("mxlinreg --help", 0.3), ("mxlinreg train --help", 0.3)


def targets(parts):
    """For each target of the measured parts: (text, value in each turn, sign, bound)."""
    found = []
    for name in SHAPES:
        if name in parts:
            found += _of_shape(name, parts[name])
    if "import" in parts:
        found += _of_startup(**parts["import"])
    for name, text, bound in (
        ("autograd", "autograd / chapter's loop", 1.05),
        ("threads", "two compiled fits in threads / one", 1.2),
    ):
        if name in parts:
            found.append((text, [b / a for a, b in parts[name]], "<=", bound))
    if "large" in parts:
        found += _of_large(**parts["large"])
    for axis, growth in parts.get("growth", {}).items():
        found.append((f"exponent of the time by {axis}", growth["exponents"][0], "<=", 1.1))
    if "exact" in parts:
        found += _of_exact(parts["exact"]["shapes"])
    if parts.get("regressor"):
        fits = parts["regressor"].values()
        slowest = max((fit["seconds"] for fit in fits), key=lambda s: quartiles(s)[1])
        excess = max(fit["excess"] for fit in fits)
        found += [
            ("LinearRegressor's most seconds", slowest, "<=", 1),
            ("LinearRegressor's most excess over the least MSE", [excess], "<=", 0.01),
        ]
    return found


def _of_shape(name, shape):
    bounds = {"jax": 1.5, "sklearn": 3}
    if name == "chapter":
        bounds = {"chapter": 1e4, "jax": 1.3}
    labels = {"jax": "JAX", "sklearn": "scikit-learn", "chapter": "chapter's loop"}
    size = f"{shape['rows']} x {shape['inputs']}, batch {shape['batch_size']}"
    for library, bound in bounds.items():
        peer = fastest(shape, library)
        if peer:
            yield f"{labels[library]} / compiled, {size}", times_compiled(peer), ">=", bound


def _of_startup(startup, job):
    for command, bound in STARTUP:
        more = more_than_bare(startup, command)
        yield f"{command}, s more than {BARE}", more, "<=", bound
    (alone, import_seconds), (train, seconds) = job.items()
    yield f"{train} / {alone}", ratios(seconds, import_seconds), "<=", 1.3


def _of_large(rows, seconds, peak, size, **_):
    yield "million rows per second, large", [rows / s / 1e6 for s in seconds], ">=", 5
    yield "(peak memory - 300 MB) / (data and order), large", [(peak - 300e6) / size], "<=", 1.3


def _of_exact(shapes):
    for shape in shapes:
        seconds = dict(shape["seconds"])
        ours = seconds.pop("mxlinreg")
        theirs = min(seconds.values(), key=lambda s: quartiles(s)[1])
        text = f"fastest other / least_squares, {shape['rows']} x {shape['inputs']}"
        yield text, ratios(theirs, ours), ">=", 1


def targets_tables(parts):
    rows = []
    for text, values, sign, bound in targets(parts):
        value = quartiles(values)[1]
        is_met = value >= bound if sign == ">=" else value <= bound
        measured = spread(values) if len(values) > 1 else [*spread(values)[:1], ""]
        rows.append([text, *measured, f"{sign} {bound:g}", verdict(is_met)])
    return table(["target", "measured", "quartiles", "bound", ""], rows)
