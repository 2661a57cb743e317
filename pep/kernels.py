"""Where compiled kernels are kept. No Django and no numba here: settings.py asks before either is loaded."""

from __future__ import annotations

import hashlib
from pathlib import Path


def cache_folder(base: Path, data: Path) -> Path:
    """A folder for exactly these kernels: numba looks at a function's own file only, not at those it calls into."""
    digest = hashlib.sha256()
    for path in sorted([*base.glob("distributors/**/*.py"), *base.glob("activities/**/*.py")]):
        source = path.read_bytes()
        if (
            b"njit" in source
            or b"compiling import" in source
            or b"np.dtype(" in source
            or b"Calendar(NamedTuple)" in source
            or b"People(NamedTuple)" in source
        ):
            digest.update(path.name.encode() + source)
    return data / "kernels" / digest.hexdigest()[:16]
