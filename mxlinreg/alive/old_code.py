"""Run old code unchanged: a script, its own modules and chosen packages see NumPy 1.23's names.

The syntax tree of these modules is rewritten as they load. ``import numpy`` imports the copy of
NumPy's namespace in `numpy_1_23`, ``x.tostring()`` calls `tobytes` if `x` is a NumPy array, and
``float(x)`` and ``int(x)`` take arrays of one element, as they did before NumPy 2.4. Line numbers
stay, and the files and their cached bytecode are left alone.
"""

import ast
import importlib.machinery
import importlib.util
import os
import re
import runpy
import signal
import sys
from types import ModuleType, TracebackType
from typing import Any, Iterable, List, NamedTuple, Optional, Set

_NUMPY = "mxlinreg.alive.numpy_1_23"
_NUMBERS = "int", "float", "complex"
_OLD = re.compile(rb"numpy|tostring|\b(?:int|float|complex)\(")  # in the sources to rewrite


class _Rewriter(ast.NodeTransformer):
    def __init__(self) -> None:
        self.helpers: Set[str] = set()

    def visit_Import(self, node: ast.Import) -> Any:
        names = []
        for alias in node.names:
            if alias.name == "numpy":
                names.append(ast.alias(name=_NUMPY, asname=alias.asname or "numpy"))
            elif alias.name.startswith("numpy.") and alias.asname is None:
                # The statement imports the submodule and binds the name `numpy`.
                names += [alias, ast.alias(name=_NUMPY, asname="numpy")]
            else:
                names.append(alias)
        return ast.copy_location(ast.Import(names=names), node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        if node.module == "numpy" and node.level == 0:
            node.module = _NUMPY
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        self.generic_visit(node)
        if node.attr != "tostring" or not isinstance(node.ctx, ast.Load):
            return node
        return self.helped("tostring", node.value, node)

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        converts = isinstance(node.func, ast.Name) and node.func.id in _NUMBERS
        if converts and len(node.args) == 1 and not isinstance(node.args[0], ast.Starred):
            node.args = [self.helped("one_number", node.args[0], node.args[0])]
        return node

    def helped(self, helper: str, argument: ast.expr, node: ast.expr) -> ast.expr:
        """The call of one of this module's functions, in place of `node`."""
        self.helpers.add(helper)
        function = ast.Name(id=_imported_as(helper), ctx=ast.Load())
        return ast.copy_location(ast.Call(func=function, args=[argument], keywords=[]), node)


def rewrite(tree: ast.Module) -> ast.Module:
    """The syntax tree of a module, with NumPy 1.23's names, `tostring` and ``float(x)``."""
    rewriter = _Rewriter()
    tree = rewriter.visit(tree)
    if rewriter.helpers:
        start = sum(1 for _ in _first_statements(tree))
        helpers = [ast.alias(each, _imported_as(each)) for each in sorted(rewriter.helpers)]
        tree.body.insert(start, ast.ImportFrom(module=__name__, names=helpers, level=0))
    # What was inserted has the line of its neighbour.
    return ast.fix_missing_locations(tree)


def _imported_as(helper):
    return f"__mxlinreg_{helper}__"


def _first_statements(tree):
    """A docstring and imports from __future__, which must stay first."""
    for i, node in enumerate(tree.body):
        is_docstring = i == 0 and ast.get_docstring(tree, clean=False) is not None
        if not is_docstring and getattr(node, "module", None) != "__future__":
            return
        yield node


def tostring(owner: Any) -> Any:
    """The attribute `tostring` of an object; of NumPy's arrays, `tobytes`, as it was named."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(owner, (numpy.ndarray, numpy.generic)):
        return owner.tobytes
    return owner.tostring


def one_number(value: Any) -> Any:
    """The element of a NumPy array that has one; any other value as it is."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray) and value.size == 1:
        return value.flat[0]
    return value


class _Loader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname: str) -> Any:
        path = self.get_filename(fullname)
        source = self.get_data(path)
        if not _OLD.search(source):
            return super().get_code(fullname)
        # Python would write the rewritten code into the cache of the unchanged file.
        tree = compile(source, path, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
        return compile(rewrite(tree), path, "exec", dont_inherit=True)


class Settings(NamedTuple):
    """What a process needs to load a script's modules, as its parent does."""

    folder: Optional[str]  # of the script; None if it was not put on sys.path
    packages: List[str]
    others: List[str]  # entries of sys.path that the script has not put there


class _Finder:
    """Loads, rewritten, the modules beside the script or in folders that it adds to sys.path."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        top, _, inner = fullname.partition(".")
        if top in ("mxnet", "mxlinreg", "numpy") or top in sys.builtin_module_names:
            return None
        if inner and not self.rewrites(top):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is None or not isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            return None
        if inner or top in self.settings.packages or self.is_own(spec):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
            return spec
        return None

    def rewrites(self, top: str) -> bool:
        if top in self.settings.packages:
            return True
        module = sys.modules.get(top)
        spec = getattr(module, "__spec__", None)
        return spec is not None and self.is_own(spec)

    def is_own(self, spec: Any) -> bool:
        if spec.submodule_search_locations:
            place = list(spec.submodule_search_locations)[0]
        else:
            place = spec.origin or ""
        entry = os.path.dirname(os.path.abspath(place))
        if entry == self.settings.folder:
            return True
        return entry in map(os.path.abspath, sys.path) and entry not in self.settings.others


def install(settings: Settings) -> None:
    """Load old modules rewritten, in this process and those that it starts by multiprocessing."""
    import multiprocessing.spawn as spawn

    sys.meta_path.insert(0, _Finder(settings))  # type: ignore[arg-type]
    prepared, fix_up = spawn.get_preparation_data, spawn._fixup_main_from_path  # type: ignore

    def get_preparation_data(name: str) -> dict:
        # A new process unpickles this first, before it imports the script.
        return {**prepared(name), "mxlinreg": _Child(settings)}

    def fixup_main_from_path(path: str) -> None:
        # Within the function that it replaces, runpy reads the script's code.
        own = runpy._get_code_from_file  # type: ignore[attr-defined]
        runpy._get_code_from_file = _code_for_runpy  # type: ignore[attr-defined]
        try:
            fix_up(path)
        finally:
            runpy._get_code_from_file = own  # type: ignore[attr-defined]

    spawn.get_preparation_data = get_preparation_data
    spawn._fixup_main_from_path = fixup_main_from_path  # type: ignore[attr-defined]


class _Child:
    """Installs the loader where it is unpickled."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def __reduce__(self) -> Any:
        return install, (self.settings,)


def _code_for_runpy(*args):
    """As `runpy._get_code_from_file`, which until Python 3.12 also takes and gives a name."""
    code = _Loader("__mp_main__", args[-1]).get_code("__mp_main__")
    return (code, args[-1]) if len(args) == 2 else code


def run_script(path: str, args: List[str], packages: Iterable[str] = ()) -> None:
    """Run a file as ``python path args`` does, but see NumPy 1.23's names in it.

    Parameters
    ----------
    path : str
    args : list of str
        The script's arguments.
    packages : iterable of str
        Installed packages whose modules see these names, too.

    Raises
    ------
    SystemExit
        As the script does, and with status 2 if there is no such file.
    """
    if not os.path.isfile(path):
        print(f"mxlinreg.alive: {path!r} is no file; to run a module, type -m", file=sys.stderr)
        raise SystemExit(2)
    folder = os.path.dirname(os.path.realpath(path))
    _prepare(folder, packages)
    sys.argv[:] = [path, *args]
    if sys.version_info >= (3, 9):
        path = os.path.abspath(path)
    module = _new_main()
    module.__file__ = path
    module.__cached__ = None  # type: ignore[attr-defined]
    loader = module.__loader__ = _Loader("__main__", path)
    _run(lambda: exec(loader.get_code("__main__"), vars(module)))


def run_module(name: str, args: List[str], packages: Iterable[str] = ()) -> None:
    """Run a module as ``python -m name args`` does; otherwise as `run_script`."""
    _prepare(os.getcwd(), [*packages, name.partition(".")[0]])
    sys.argv[:] = ["-m", *args]
    _new_main()
    _run(lambda: runpy._run_module_as_main(name))  # type: ignore[attr-defined]


def _prepare(folder, packages):
    """Put `folder` where ``python -m`` has put the working directory, and install the loader."""
    is_safe = getattr(sys.flags, "safe_path", bool(sys.flags.isolated))
    if not is_safe:
        sys.path[0] = folder
    others = [os.path.abspath(entry) for entry in sys.path[0 if is_safe else 1 :]]
    install(Settings(None if is_safe else folder, list(packages), others))


def _new_main():
    module = ModuleType("__main__")
    module.__annotations__ = {}
    module.__builtins__ = sys.modules["builtins"]  # type: ignore[attr-defined]
    sys.modules["__main__"] = module
    return module


def _run(code):
    """Run code whose exceptions end the process as they end a script."""
    try:
        code()
    except SystemExit:
        raise
    except BaseException as error:
        error.__traceback__ = _own_lines(error.__traceback__)
        sys.excepthook(type(error), error, error.__traceback__)
        if isinstance(error, KeyboardInterrupt):
            _end_by_interrupt()
        raise SystemExit(1) from None


def _own_lines(traceback):
    """The traceback without the frames of this room and of Python's import system."""
    hidden, frames = (os.path.dirname(__file__), runpy.__file__, "<frozen "), []
    while traceback is not None:
        if not traceback.tb_frame.f_code.co_filename.startswith(hidden):
            frames.append(traceback)
        traceback = traceback.tb_next
    following = None
    for each in reversed(frames):
        following = TracebackType(following, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return following


def _end_by_interrupt():
    """End as Python does after Ctrl-C: clean up, then by the signal, so that shells notice."""
    import atexit
    import threading

    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext mxlinreg.alive``: cells, and modules beside the notebook, see the old names."""
    import numpy

    from .names import numpy_with_removed_names

    shell.ast_transformers.append(_Cells())
    names = shell.user_ns
    names.update({k: numpy_with_removed_names for k, v in names.items() if v is numpy})
    folder = os.getcwd()
    install(Settings(folder, [], [os.path.abspath(entry) for entry in sys.path]))


class _Cells(ast.NodeTransformer):
    def visit(self, node: Any) -> Any:
        return rewrite(node) if isinstance(node, ast.Module) else node
