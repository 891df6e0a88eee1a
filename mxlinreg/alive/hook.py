"""The import hook, with which MXNet's modules load with NumPy's removed names and repairs."""

import builtins
import importlib.machinery
import sys

from .later import stand_in
from .mends import MENDS


class _Loader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname):
        if sys.flags.optimize < 2:
            return super().get_code(fullname)
        # MXNet makes functions from docstrings, which Python leaves out with -OO.
        path = self.get_filename(fullname)
        return compile(self.get_data(path), path, "exec", dont_inherit=True, optimize=1)

    def exec_module(self, module):
        # NumPy is imported here, when the first MXNet module loads, to keep `import mxlinreg` fast.
        import numpy

        from .cuda import libraries_loaded
        from .names import numpy_with_removed_names

        def import_for_mxnet(name, globals=None, locals=None, fromlist=(), level=0):
            waiting = stand_in(module.__name__, name, fromlist)
            if waiting is not None:
                return waiting
            found = builtins.__import__(name, globals, locals, fromlist, level)
            return numpy_with_removed_names if found is numpy else found

        module.__builtins__ = {**vars(builtins), "__import__": import_for_mxnet}
        with libraries_loaded(module):
            super().exec_module(module)
        # Functions of MXNet that run often contain imports, for which Python's own is faster.
        module.__builtins__["__import__"] = builtins.__import__
        mend = MENDS.get(module.__name__)
        if mend is not None:
            mend(module)


class _Finder:
    """Finds MXNet's modules, including those imported later, and loads them with `_Loader`."""

    @staticmethod
    def find_spec(fullname, path=None, target=None):
        if fullname.partition(".")[0] != "mxnet":
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


def install() -> None:
    """Install the hook, once per process. This imports neither MXNet nor NumPy."""
    if any(getattr(finder, "__module__", None) == __name__ for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, _Finder)
    if "mxnet" not in sys.modules:
        # An import that failed before the hook was installed leaves modules that lack the names.
        for name in [name for name in sys.modules if name.startswith("mxnet.")]:
            del sys.modules[name]
