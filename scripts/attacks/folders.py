"""The folder in which a part works."""

import os
import warnings
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from panels.commands import start


@contextmanager
def own_folder():
    """Work in a new folder, removed at the end, with the libraries loaded and no warnings shown."""
    home = os.getcwd()
    warnings.simplefilter("ignore")
    start()
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(home)
