"""How the compiled engine's time and memory grow with the data."""

from .children import answer_of
from .output import quartiles, spread, table

LARGE = 10_000_000, 10, 64  # rows, inputs, batch size
ROWS = [10**3, 10**4, 10**5, 10**6, 10**7]
INPUTS = [1, 3, 10, 30, 100, 200, 500, 1000]


def measure_large(settings):
    rows, num_inputs, batch_size = LARGE
    rows //= settings.divisor
    answer = answer_of("large", rows, num_inputs, batch_size, settings.runs)
    size = rows * (num_inputs + 1) * 4 + rows * 4  # bytes of the data and of the order of rows
    return {**answer, "rows": rows, "inputs": num_inputs, "batch_size": batch_size, "size": size}


def large_tables(large):
    title = f"{large['rows']} rows, {large['inputs']} inputs, batch {large['batch_size']}"
    head = ["one epoch, compiled", "s", "quartiles", "peak memory, MB", "data and order, MB"]
    memory = [large["peak"] / 1e6, large["size"] / 1e6]
    return table(head, [[title, *spread(large["seconds"]), *memory]])


def measure_growth(settings):
    """For rows and for inputs: the times, and the exponent by which they grow in each turn."""
    import numpy as np

    growths = {
        "rows": [[rows // settings.divisor, 10] for rows in ROWS],
        "inputs": [[100000 // settings.divisor, num_inputs] for num_inputs in INPUTS],
    }
    result = {}
    for column, (name, shapes) in enumerate(growths.items()):
        points = answer_of("growth", shapes, 64, settings.runs, settings.least_seconds)
        medians = [quartiles(point[2])[1] for point in points]
        # An epoch also has a fixed cost. Points above four times the smallest are beyond it.
        past = [p for p, seconds in zip(points, medians) if seconds > 4 * medians[0]]
        past = past if len(past) > 1 else points[-2:]
        sizes = np.log([point[column] for point in past])
        exponents = [
            np.polyfit(sizes, np.log([point[i] for point in past]), 1)[0].tolist() for i in (2, 3)
        ]
        result[name] = {"points": points, "from": past[0][column], "exponents": exponents}
    return result


def growth_tables(growths):
    rows = [
        [f"{axis}, from {growth['from']} on"]
        + [cell for exponents in growth["exponents"] for cell in spread(exponents)]
        for axis, growth in growths.items()
    ]
    head = ["exponent of the time by", "shuffled", "quartiles", "not shuffled", "quartiles"]
    return table(head, rows)


def plot_growth(growths):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.5), layout="constrained")
    for column, (axes, (name, growth)) in enumerate(zip(figure.subplots(ncols=2), growths.items())):
        sizes = [point[column] for point in growth["points"]]
        for i, label in enumerate(("shuffled", "as the rows lie in memory")):
            exponent = quartiles(growth["exponents"][i])[1]
            axes.loglog(
                sizes,
                [1e3 * quartiles(point[2 + i])[1] for point in growth["points"]],
                "o-",
                label=f"{label}: exponent {exponent:.2f} from {growth['from']} on",
            )
        last = quartiles(growth["points"][-1][2])[1]
        axes.loglog(
            [growth["from"], sizes[-1]],
            [1e3 * last * growth["from"] / sizes[-1], 1e3 * last],
            "--",
            color="gray",
            label="linear",
        )
        axes.set_ylim(top=30e3 * last)
        axes.set(xlabel=name, ylabel="ms per epoch")
        axes.legend(fontsize=8)
    return figure
