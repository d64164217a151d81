"""What the client's tests share."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # typer hands names of click on that click has begun to deprecate; a user never sees it, pytest makes it an error.
    warnings.simplefilter("ignore", DeprecationWarning)
    import typer  # noqa: F401
