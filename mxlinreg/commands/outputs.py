"""The files that `mxlinreg train` writes: checks before the training, and the pictures after it."""

import logging

PICTURE_ENDINGS = (".png", ".pdf", ".svg")
# All names of pictures that --plot can write to a folder.
PICTURES = (
    "after", "before", "coefficients", "data", "errors", "losses", "network", "predictions",
    "residuals",
)  # fmt: skip


def check_outputs(*, data, stream, save, checkpoint, resume, plot):
    """Check before the training that the results can be written after it."""
    from .._files import check_different, check_writable
    from ..plotting import plot_network

    pictures = {}
    if plot is not None and not is_picture(plot):
        pictures = {f"--plot ({name})": plot / f"{name}.png" for name in PICTURES}
    outputs = {"--save": save, "--checkpoint": checkpoint, "--plot": plot, **pictures}
    check_different({"--data": data, **outputs})
    if stream:  # of a folder or a glob
        from ..rows.units import paths_of

        existing = {name: path for name, path in outputs.items() if path and path.exists()}
        for path in paths_of(data) if existing else ():
            check_different({"--data": path, **existing})
    if save is not None:
        check_writable("--save", save)
    if checkpoint is not None:
        check_writable("--checkpoint", checkpoint)
        if checkpoint.exists() and not resume:
            raise ValueError(f"--checkpoint: {checkpoint} exists; add --resume to continue from it")
    if plot is not None:
        # Its warnings are about its caches, which it can do without.
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
        plot_network(1)  # raises now if matplotlib is missing
        if is_picture(plot):
            check_writable("--plot", plot)
        elif plot.exists() and not plot.is_dir():
            raise ValueError(
                f"--plot: {plot} is a file that does not end in {', '.join(PICTURE_ENDINGS)}; "
                "give a picture or a folder"
            )
        else:
            plot.mkdir(parents=True, exist_ok=True)
            check_writable("--plot", plot / "data.png")


def is_picture(path):
    """Whether `path` names one picture rather than a folder."""
    return path.suffix.lower() in PICTURE_ENDINGS and not path.is_dir()


def save_pictures(path, main_picture, pictures):
    """Write all pictures if `path` is a folder, else the main one to this file."""
    from ..plotting import save_figure

    if path.is_dir():
        for name, figure in pictures.items():
            save_figure(figure, path / f"{name}.png")
        print(f"\nwrote {', '.join(f'{name}.png' for name in sorted(pictures))} to {path}")
    else:
        save_figure(main_picture, path)
        print(f"\nwrote {path}")
