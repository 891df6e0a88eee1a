"""The files that `mxlinreg train` writes: whether it can, and the pictures."""

PICTURE_ENDINGS = (".png", ".pdf", ".svg")


def check_outputs(*, save, checkpoint, resume, plot):
    """Find out now, not after the training, whether the results can be written."""
    from .._files import check_writable
    from ..models.checkpoint import description_path
    from ..plotting import plot_network

    if save is not None:
        check_writable("--save", save)
        check_writable("--save", description_path(save))
    if checkpoint is not None:
        check_writable("--checkpoint", checkpoint)
        if save is not None and checkpoint in (save, description_path(save)):
            raise ValueError(f"--checkpoint: {checkpoint} is where --save writes the model")
        if checkpoint.exists() and not resume:
            raise ValueError(f"--checkpoint: {checkpoint} exists; --resume goes on from it")
    if plot is not None:
        plot_network(1)  # is matplotlib there?
        if plot.suffix.lower() in PICTURE_ENDINGS and not plot.is_dir():
            check_writable("--plot", plot)
        elif plot.exists() and not plot.is_dir():
            raise ValueError(f"--plot: {plot} is a file, and its ending names no picture")
        else:
            plot.mkdir(parents=True, exist_ok=True)
            check_writable("--plot", plot / "data.png")


def save_pictures(path, main_picture, pictures):
    """Write the one picture that a file's name asks for, or all into a folder."""
    from ..plotting import save_figure

    if path.is_dir():
        for name, figure in pictures.items():
            save_figure(figure, path / f"{name}.png")
        print(f"\nwrote {', '.join(f'{name}.png' for name in sorted(pictures))} to {path}")
    else:
        save_figure(main_picture, path)
        print(f"\nwrote {path}")
