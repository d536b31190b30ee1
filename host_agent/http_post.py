"""One POST and what came of it: an HTTP answer, or a transport error under its libcurl number."""

import socket
import ssl
from collections.abc import Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlsplit

import requests
import urllib3
from requests.structures import CaseInsensitiveDict

from host_agent.http_deadline import DeadlineAdapter
from host_agent.http_response import MAX_ANSWER_BYTES, Response
from host_agent.loopback import is_loopback

# https://curl.se/libcurl/c/libcurl-errors.html
COULDNT_RESOLVE_HOST = 6
COULDNT_CONNECT = 7
OPERATION_TIMEDOUT = 28
SSL_CONNECT_ERROR = 35
RECV_ERROR = 56
PEER_FAILED_VERIFICATION = 60

_MEANING = {
    COULDNT_RESOLVE_HOST: "could not resolve the host name",
    COULDNT_CONNECT: "could not connect",
    OPERATION_TIMEDOUT: "timed out",
    SSL_CONNECT_ERROR: "TLS failed",
    RECV_ERROR: "connection failed before the whole answer had arrived",
    PEER_FAILED_VERIFICATION: "the server's certificate was not accepted",
}

# The first entry that occurs among the causes of a failure decides.
_NUMBER_OF: tuple[tuple[type[BaseException], int], ...] = (
    (ssl.SSLCertVerificationError, PEER_FAILED_VERIFICATION),
    (ssl.SSLError, SSL_CONNECT_ERROR),
    (socket.gaierror, COULDNT_RESOLVE_HOST),
    (UnicodeError, COULDNT_RESOLVE_HOST),  # a host that IDNA refuses
    (TimeoutError, OPERATION_TIMEDOUT),
    (urllib3.exceptions.NewConnectionError, COULDNT_CONNECT),
    (urllib3.exceptions.TimeoutError, OPERATION_TIMEDOUT),
)

_MAX_CAUSE_CHARACTERS = 200
_NO_PROXY = {"http": "", "https": ""}


def open_session(headers: Mapping[str, str]) -> requests.Session:
    """A session that sends `headers`, and never a cookie; proxies and CA bundle come from the
    environment as usual."""
    session = _Session()
    session.mount("http://", DeadlineAdapter())
    session.mount("https://", DeadlineAdapter())
    session.headers.update(headers)
    session.auth = _keep_authorization
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    return session


def post(
    session: requests.Session,
    url: str,
    payload: bytes,
    timeout: tuple[float, float],
    ca: str | None = None,
) -> Response:
    """Sends exactly one request; never raises for what the network or the server does.

    `timeout` is (connect, total) in seconds. Redirects are answers like any other. `ca` is a PEM
    file of certificate authorities that replaces the usual ones. This machine itself is asked
    without a proxy.
    """
    connect_s, total_s = timeout
    try:
        here = is_loopback(urlsplit(url).hostname or "")
        with session.post(
            url,
            data=payload,
            timeout=urllib3.Timeout(connect=connect_s, total=total_s),  # type: ignore[arg-type]
            verify=ca,
            proxies=_NO_PROXY if here else None,
            allow_redirects=False,
            stream=True,
        ) as answer:
            body = answer.raw.read(MAX_ANSWER_BYTES, decode_content=True)
            return Response(
                answer.status_code, answer.headers, body.decode("utf-8", errors="replace")
            )
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        return _transport_error(error)  # a RequestException is an OSError


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: where there is one, requests reads the whole body, followed or not."""


def _keep_authorization(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Without an auth of its own, requests would let ~/.netrc replace our Authorization header."""
    return request


def _transport_error(error: Exception) -> Response:
    causes = list(_causes(error))
    numbers = [
        number for kind, number in _NUMBER_OF if any(isinstance(cause, kind) for cause in causes)
    ]
    number = numbers[0] if numbers else RECV_ERROR
    details = [str(cause) for cause in causes if isinstance(cause, OSError)]
    cause = details[-1][:_MAX_CAUSE_CHARACTERS] if details else ""
    text = f"{_MEANING[number]} ({cause})" if cause else _MEANING[number]
    return Response(number, CaseInsensitiveDict(), text)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, then what it was raised from, down to the root."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
