"""One structured line a request and a task, with an id to follow and nothing about persons.

No IP address, e-mail, query string, header or body; the route instead of the path (a path may hold a token); of an
exception its type and places, not its message (a database error quotes the row).
"""

from __future__ import annotations

import logging
import re
import time
import traceback
import uuid
from contextvars import ContextVar
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware
from structlog.typing import EventDict, ExcInfo, WrappedLogger

SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
LAST_FRAME = re.compile(r'^  File "([^"]+)", line (\d+), in .+\n(?:    .*\n)*([\w.]+)', re.MULTILINE)

_began: ContextVar[float] = ContextVar("task_began", default=0.0)

#: Loggers of Django that repeat a request in their own words, raw path included; our line has the same news.
REPEATING = ("django.request", "django.server", "django.security.csrf", "django_structlog.middlewares.request")


def config(*, as_json: bool) -> dict[str, Any]:
    """Sets up structlog, and returns LOGGING, so that both kinds of loggers write the same lines to stderr."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, places_of_exception, renderer],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"without_results": {"()": WithoutResults}},
        "formatters": {"line": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}, "none": {"class": "logging.NullHandler"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django-q": {"filters": ["without_results"], "level": "WARNING"},
            **{name: {"handlers": ["none"], "propagate": False} for name in REPEATING},
        },
    }  # fmt: skip


def places_of_exception(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """`exc_info` -> the types of the chain and where they were raised, without messages."""
    info = event.pop("exc_info", None)
    error = exception_of(info)
    if error is not None:
        event["exception"] = described(error)
    return event


def exception_of(info: ExcInfo | BaseException | bool | None) -> BaseException | None:
    if isinstance(info, BaseException):
        return info
    if isinstance(info, tuple):
        return info[1]
    return None


def described(error: BaseException) -> str:
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    text = f"{type(error).__module__}.{type(error).__qualname__} at {' > '.join(frames[-8:])}"
    return f"{text} caused by {described(cause)}" if cause else text


class RequestLog(RequestMiddleware):
    """django-structlog's context for every line of a request, and our own one line about the request itself."""

    def prepare(self, request: HttpRequest) -> None:
        asked = request.headers.get("X-Request-ID", "")
        request.id = asked if SANE_ID.fullmatch(asked) else uuid.uuid4().hex  # type: ignore[attr-defined]
        request.started = time.perf_counter()  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request.id)  # type: ignore[attr-defined]

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        self.bind_user_id(request)
        error = getattr(request, "_raised_exception", None)
        structlog.get_logger("pep.request").log(
            logging.ERROR if response.status_code >= 500 else logging.INFO,
            "request",
            method=request.method,
            route=route_of(request),
            status=response.status_code,
            ms=round((time.perf_counter() - request.started) * 1000, 1),  # type: ignore[attr-defined]
            exc_info=error,
        )
        response.headers["X-Request-ID"] = request.id  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """The number of who is signed in, if the view asked; the log itself never causes a query."""
        user = getattr(request, "_cached_user", None)
        if user is not None and user.pk is not None:
            structlog.contextvars.bind_contextvars(user_id=user.pk)

    def _process_exception(self, request: HttpRequest, exception: Exception) -> None:
        request._raised_exception = exception  # type: ignore[attr-defined]


def route_of(request: HttpRequest) -> str:
    """The pattern that matched, such as `people/<int:pk>/`; empty when none did."""
    return request.resolver_match.route if request.resolver_match else ""


def follow_tasks() -> None:
    """A line when a queue worker starts a task and one when it is through; arguments stay out."""
    from django_q.signals import post_execute_in_worker, pre_execute

    pre_execute.connect(task_started, dispatch_uid="pep.logs")
    post_execute_in_worker.connect(task_finished, dispatch_uid="pep.logs")


def task_started(task: dict[str, Any], **_: Any) -> None:
    _began.set(time.perf_counter())
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(task_id=task["id"], task=function_name(task["func"]))
    structlog.get_logger("pep.task").info("task started")


def task_finished(task: dict[str, Any], **_: Any) -> None:
    ms, done = round((time.perf_counter() - _began.get()) * 1000, 1), bool(task.get("success"))
    failure = {} if done else {"exception": place_of_failure(str(task.get("result", "")))}
    structlog.get_logger("pep.task").log(
        logging.INFO if done else logging.ERROR, "task finished", success=done, ms=ms, **failure
    )
    structlog.contextvars.clear_contextvars()


def place_of_failure(result: str) -> str:
    """Type and place from the traceback text that django-q keeps of a failed task."""
    found = LAST_FRAME.findall(result)
    return "{2} at {0}:{1}".format(*found[-1]) if found else ""


def function_name(func: Any) -> str:
    return func if isinstance(func, str) else f"{func.__module__}.{func.__qualname__}"


class WithoutResults(logging.Filter):
    """django-q's own lines end in " - <traceback and message>" when a task fails: cut there."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = record.getMessage().split(" - ", 1)[0], ()
        return True
