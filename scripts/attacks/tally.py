"""What an attack has tried, and what failed."""

import shutil
import tempfile
from collections import Counter
from pathlib import Path


class Tally:
    """Counts what a part tries. `kept` is the folder for copies of the files that failed."""

    def __init__(self, kept=None):
        self.kept = None if kept is None else Path(kept)
        self.counts, self.failures, self.reasons = Counter(), [], {}

    def tried(self, kind, count=1):
        """Count things of this kind as tried, whether they fail or not."""
        self.counts[kind] += count

    def failed(self, kind, what):
        """Note a failure with all that is needed to repeat it."""
        self.failures.append({"kind": kind, "what": str(what)})

    def skipped(self, kind, reason):
        """Note that this kind cannot be tried on this machine."""
        self.reasons[kind] = str(reason)

    def keep(self, name, content):
        """Keep the bytes, or the file or folder of this path, that failed; return where it is."""
        if self.kept is None:
            self.kept = Path(tempfile.mkdtemp(prefix="mxlinreg-attack-"))
        self.kept.mkdir(parents=True, exist_ok=True)
        path = self.kept / f"{len(self.failures)}-{name}"
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif Path(content).is_dir():
            shutil.copytree(content, path, symlinks=True)
        else:
            shutil.copy(content, path, follow_symlinks=False)
        return path

    def report(self):
        """All of it, as JSON types."""
        return {
            "tried": dict(self.counts),
            "skipped": self.reasons,
            "failures": self.failures,
        }
