"""What the browser talks to: upload, progress, results. Nothing that a client says is ever part of a path."""

import asyncio
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from starlette.exceptions import HTTPException as AnyHTTPException

from pstmo.serve.guard import Guard
from pstmo.serve.jobs import Full, Job, Jobs

VIDEOS = (".3gp", ".avi", ".flv", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm", ".wmv")
KEYPOINTS = (".csv", ".h5", ".json", ".jsonl", ".npz", ".tsv")
"""Endings of uploads; all of a client's name that is used."""

PAGES = {"page.html": "text/html", "page.css": "text/css", "page.js": "text/javascript"}

RESULT = "sandbox allow-scripts; frame-ancestors 'self'"
"""The motion's page brings a policy of its own; whatever it does, it is a stranger here."""

TIME = 1800.0
"""Seconds that an upload may take."""

NO_JOB = "there is no such job, or no longer"

router = APIRouter()


def create(jobs: Jobs, token: str | None = None) -> FastAPI:
    """token: see `Guard`."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.jobs = jobs
    app.add_middleware(Guard, token=token)
    app.add_exception_handler(AnyHTTPException, _told)
    app.add_exception_handler(RequestValidationError, _told_of_settings)
    app.add_exception_handler(FileNotFoundError, _gone)
    app.include_router(router)
    return app


def _jobs(request: Request) -> Jobs:
    return request.app.state.jobs


def _job(number: str, jobs: Annotated[Jobs, Depends(_jobs)]) -> Job:
    job = jobs.get(number)
    if job is None:
        raise HTTPException(404, NO_JOB)
    return job


TheJobs = Annotated[Jobs, Depends(_jobs)]
TheJob = Annotated[Job, Depends(_job)]


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, AnyHTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)


async def _told_of_settings(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    reasons = (f"{reason['loc'][-1]}: {reason['msg']}" for reason in error.errors())
    return JSONResponse({"error": "; ".join(reasons)}, 422)


async def _gone(request: Request, error: Exception) -> Response:
    """Of files that were deleted while somebody asked for them."""
    return JSONResponse({"error": NO_JOB}, 404)


@router.get("/")
async def page() -> Response:
    return await part("page.html")


@router.get("/jobs/{number}")
async def state(job: TheJob, jobs: TheJobs) -> dict[str, Any]:
    found = {"state": job.state, "before": jobs.before(job), "progress": job.progress, "told": job.told}
    return found | {"files": {name: path.stat().st_size for name, path in job.results.items()}}


@router.get("/jobs/{number}/{name}")
async def result(job: TheJob, name: str, save: bool = False) -> Response:
    path = job.results.get(name)
    if path is None:
        raise HTTPException(404, "there is no such file")
    shown = path.suffix == ".html" and not save
    return FileResponse(path, filename=None if shown else name, headers={"Content-Security-Policy": RESULT})


@router.delete("/jobs/{number}", status_code=204)
async def remove(job: TheJob, jobs: TheJobs) -> None:
    jobs.remove(job)


@router.get("/{name}")
async def part(name: str) -> Response:
    if name not in PAGES:
        raise HTTPException(404, "there is no such page")
    content = resources.files("pstmo.serve").joinpath(name).read_text("utf-8")
    return Response(content, media_type=f"{PAGES[name]}; charset=utf-8")


@router.post("/jobs", status_code=201)
async def upload(
    request: Request,
    jobs: TheJobs,
    ending: str,
    height: Annotated[float | None, Query(ge=0.4, le=2.8)] = None,
    fps: Annotated[float | None, Query(gt=0, lt=10_000)] = None,
    width: Annotated[int | None, Query(gt=0, le=100_000)] = None,
    tall: Annotated[int | None, Query(gt=0, le=100_000)] = None,
) -> dict[str, Any]:
    """The body is the file. height: of the person, metres. fps, width, tall: of keypoints whose file does not say."""
    if ending not in VIDEOS + KEYPOINTS:
        endings = ", ".join(VIDEOS + KEYPOINTS)
        raise HTTPException(415, f"found a file that ends in {ending[:12]!r}, expected one of {endings}")
    options = ["--all", "-f", "bvh,glb,trc,csv"]
    options += ["--embed-video"] if ending in VIDEOS else []
    options += [] if height is None else ["--height", str(height)]
    options += [] if fps is None or ending in VIDEOS else ["--fps", str(fps)]
    options += [] if None in (width, tall) or ending in VIDEOS else ["--image-size", str(width), str(tall)]
    try:
        job = jobs.new(ending, options)
    except Full:
        raise HTTPException(503, "too many jobs wait already; try again later") from None
    try:
        await _received(request, job.source, jobs.limits.largest)
    except BaseException:
        jobs.remove(job)
        raise
    jobs.start(job)
    return {"number": job.number}


async def _received(request: Request, path: Path, megabytes: int) -> None:
    """Writes the body. Raises HTTPException for one that is empty, too large, or takes longer than TIME."""
    size, most = 0, megabytes << 20
    try:
        async with asyncio.timeout(TIME):
            with path.open("wb") as file:
                async for content in request.stream():
                    size += len(content)
                    if max(size, int(request.headers.get("content-length", 0))) > most:
                        raise HTTPException(413, f"found more than {megabytes} MB, expected {megabytes} at most")
                    file.write(content)
    except TimeoutError:
        raise HTTPException(408, f"the file did not come within {TIME / 60:g} minutes") from None
    except OSError as error:
        raise HTTPException(507, f"the file cannot be kept: {error.strerror}") from None
    if not size:
        raise HTTPException(400, "found an empty file")
