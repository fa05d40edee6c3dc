"""Compiled programs for processes: those made before, else made now.

The compiler is imported only where it is asked for: an unchanged program starts without it.
"""

from runtime import prebuilt
from runtime.prebuilt import Compilation, Request
from runtime.project.load import Project


def ready_project(project: Project) -> Compilation:
    """Return the compiled program of a project."""
    return ready(prebuilt.request_of(project))


def ready(request: Request) -> Compilation:
    """Return the compiled program of some sources."""
    compilation = prebuilt.fetch(request)
    if compilation is not None:
        return compilation
    from runtime.build import compile_request

    return compile_request(request)
