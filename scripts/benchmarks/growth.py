"""How the compiled engine's time and memory grow with the data."""

from .children import answer_of

LARGE = 10_000_000, 10, 64  # rows, inputs, batch size
ROWS = [10**3, 10**4, 10**5, 10**6, 10**7]
INPUTS = [1, 3, 10, 30, 100, 200, 500, 1000]


def measure_large(divisor):
    rows, num_inputs, batch_size = LARGE
    rows //= divisor
    answer = answer_of("large", rows, num_inputs, batch_size)
    size = rows * (num_inputs + 1) * 4 + rows * 4  # bytes of the data and of the order of rows
    return {**answer, "rows": rows, "rows_per_second": rows / answer["seconds"], "size": size}


def measure_growth(divisor):
    """For rows and for inputs: the times, and the exponent by which they grow."""
    import numpy as np

    growths = {
        "rows": [[rows // divisor, 10] for rows in ROWS],
        "inputs": [[100000 // divisor, num_inputs] for num_inputs in INPUTS],
    }
    result = {}
    for column, (name, shapes) in enumerate(growths.items()):
        points = answer_of("growth", shapes, 64)
        # An epoch also has a fixed cost. Points above four times the smallest are beyond it.
        past = [point for point in points if point[2] > 4 * points[0][2]]
        past = past if len(past) > 1 else points[-2:]
        sizes = np.log([point[column] for point in past])
        result[name] = {
            "points": points,
            "from": past[0][column],
            "exponents": [
                float(np.polyfit(sizes, np.log([point[i] for point in past]), 1)[0]) for i in (2, 3)
            ],
        }
    return result


def print_growth(growths):
    print()
    for axis, growth in growths.items():
        shuffled, sequential = growth["exponents"]
        print(
            f"Exponent of the time by {axis}, from {growth['from']} on: {shuffled:.3f}; "
            f"not shuffled: {sequential:.3f}"
        )


def plot_growth(growths):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.5), layout="constrained")
    for column, (axes, (name, growth)) in enumerate(zip(figure.subplots(ncols=2), growths.items())):
        sizes = [point[column] for point in growth["points"]]
        for i, label in enumerate(("shuffled", "as the rows lie in memory")):
            exponent = growth["exponents"][i]
            axes.loglog(
                sizes,
                [1e3 * point[2 + i] for point in growth["points"]],
                "o-",
                label=f"{label}: exponent {exponent:.2f} from {growth['from']} on",
            )
        last = growth["points"][-1]
        axes.loglog(
            [growth["from"], sizes[-1]],
            [1e3 * last[2] * growth["from"] / sizes[-1], 1e3 * last[2]],
            "--",
            color="gray",
            label="linear",
        )
        axes.set_ylim(top=30e3 * last[2])
        axes.set(xlabel=name, ylabel="ms per epoch")
        axes.legend(fontsize=8)
    return figure
