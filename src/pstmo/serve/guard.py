"""Who may come in, and what a browser may do with what it gets."""

import hmac
import re

from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

LOOPBACK = ("localhost", "127.0.0.1", "::1")
COOKIE = "pstmo_token"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Guard(BaseHTTPMiddleware):
    """Pages of other sites may not use the reader's browser to come in here, nor a name of theirs that leads here.

    token: who does not have it, in the address at first and then in a cookie, gets nothing. None = nobody needs one,
    but this machine has to be called by one of its own names.
    """

    def __init__(self, app: ASGIApp, token: str | None):
        super().__init__(app)
        self._token = token

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        refusal = self._refusal(request)
        if refusal:
            return refusal
        response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if self._token and request.cookies.get(COOKIE) != self._token:
            response.set_cookie(COOKIE, self._token, httponly=True, samesite="strict")
        return response

    def _refusal(self, request: Request) -> Response | None:
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
        if origin and origin.partition("://")[2] != host:
            return JSONResponse({"error": f"found a request by a page of {origin}, expected one of {host}"}, 403)
        if not self._token:
            here = re.sub(r":[0-9]+$", "", host).lower().strip("[]") in LOOPBACK
            return None if here else JSONResponse({"error": f"found host {host}, expected {LOOPBACK[0]}"}, 403)
        for said in (request.query_params.get("token"), request.cookies.get(COOKIE)):  # which may be an old one
            if said and hmac.compare_digest(said.encode(), self._token.encode()):
                return None
        return JSONResponse({"error": "found no token or a wrong one, expected the address that was printed"}, 401)
