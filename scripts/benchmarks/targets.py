"""The project's targets, and which of them the results meet."""

from statistics import median

from .output import print_table, verdict
from .startup import BARE

# Seconds more than Python alone takes.
STARTUP = ("import mxlinreg", 0.1), ("mxlinreg --help", 0.3), ("mxlinreg train --help", 0.3)


def targets(results):
    """Compare the results with the targets. "met" is None for what was not measured."""
    chapter, *others = results["shapes"]
    rows = [
        ("chapter's loop / compiled, the chapter's shape", _times(chapter, "chapter"), ">=", 1e4),
        ("JAX / compiled, the chapter's shape", _times(chapter, "jax"), ">=", 1.3),
    ]
    for shape in others:
        name = f"{shape['rows']} x {shape['inputs']}, batch {shape['batch_size']}"
        rows += [
            (f"JAX / compiled, {name}", _times(shape, "jax"), ">=", 1.5),
            (f"scikit-learn / compiled, {name}", _times(shape, "sklearn"), ">=", 3),
        ]
    for command, bound in STARTUP:
        more = median(results["startup"][command]["more"])
        rows.append((f"{command}, s more than {BARE}", more, "<=", bound))
    autograd = median(engine / loop for loop, engine in results["autograd"])
    job = results["process"]
    import_and_train = median(job["train.py"]) / median(job["import"])
    threads = median(two / one for one, two in others[0]["side_by_side"])
    large = results["large"]
    excess_memory = (large["peak"] - 300e6) / large["size"]
    rows += [
        ("autograd / chapter's loop, in turns", autograd, "<=", 1.05),
        ("train.py --engine compiled / import mxlinreg, mxnet", import_and_train, "<=", 1.3),
        ("two compiled fits in threads / one", threads, "<=", 1.2),
        ("million rows per second, large", large["rows_per_second"] / 1e6, ">=", 5),
        ("(peak memory - 300 MB) / (data and order), large", excess_memory, "<=", 1.3),
    ]
    for axis, growth in results["growth"].items():
        rows.append((f"exponent of the time by {axis}", growth["exponents"][0], "<=", 1.1))
    for case in results["exact"]:
        ours, *theirs = (median(seconds) for seconds in case["seconds"].values())
        what = f"fastest other / least_squares, {case['rows']} x {case['inputs']}"
        rows.append((what, min(theirs) / ours, ">=", 1))
    fits = results["descent"].values()
    seconds = max((fit["seconds"] for fit in fits), default=None)
    excess = max((fit["excess"] for fit in fits), default=None)
    rows += [
        ("LinearRegressor's most seconds", seconds, "<=", 1),
        ("LinearRegressor's most excess over the least MSE", excess, "<=", 0.01),
    ]
    return [
        {
            "target": what,
            "measured": value,
            "bound": f"{sign} {bound:g}",
            "met": None if value is None else value >= bound if sign == ">=" else value <= bound,
        }
        for what, value, sign, bound in rows
    ]


def _times(shape, peer):
    """How many times the compiled engine's seconds a peer takes, or None if it is missing."""
    peers = shape["peers"]
    return peers[peer]["median"] / peers["compiled"]["median"] if peer in peers else None


def print_targets(rows):
    print()
    cells = [
        [row["target"], "", row["bound"], "not measured"]
        if row["met"] is None
        else [row["target"], row["measured"], row["bound"], verdict(row["met"])]
        for row in rows
    ]
    print_table(["target", "measured", "bound", ""], cells)
