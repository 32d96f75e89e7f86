"""Many completions at once from OpenAI-compatible servers, asked again while a server may come back."""

import asyncio
import os
import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp

from emlit.errors import EngineError
from emlit.printable import printable
from emlit.server import secret

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How servers are asked.

    Attributes:
        concurrency: requests under way at each server
        seconds: for how long a server may fail before it counts as dead
        check_every: seconds from one look at its health to the next, while requests are under way
    """

    concurrency: int = 256
    seconds: float = 20.0
    check_every: float = 2.0


class ServerChanged(ConnectionError):
    """A server has other weights than it was given: it was started again, or another run gave it some."""


async def ask_servers(
    shares: dict[str, list[dict[str, Any]]],
    patience: Patience,
    weights: str,
    on_finished: Callable[[dict[str, Any], dict[str, Any]], None] | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """The answers of /v1/completions to each server's share of the bodies, in order.

    Args:
        shares: URL of a server -> bodies
        patience: how often and how long
        weights: the version that every server must report, before and after
        on_finished: told of each body and its answer, as it comes

    Raises:
        EngineError: a server that is dead, or that refuses a request
        ServerChanged: a server with other weights
    """

    async def one_server(url: str, bodies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        room = asyncio.Semaphore(patience.concurrency)

        async def one(body: dict[str, Any]) -> dict[str, Any]:
            async with room:
                answer = await _ask(session, "POST", f"{url}/v1/completions", url, patience, body)
            if on_finished is not None:
                on_finished(body, answer)
            return answer

        await _require_weights(session, url, patience, weights)
        answers = await _all([one(body) for body in bodies])
        await _require_weights(session, url, patience, weights)
        return answers

    # No limit on the time of an answer: how long tokens take is not known. `_watch` tells slow servers from dead ones.
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=patience.seconds)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=timeout, headers=secret.headers()
    ) as session:
        watching = [asyncio.create_task(_watch(session, url, patience)) for url in shares]
        asking = asyncio.create_task(_all([one_server(url, bodies) for url, bodies in shares.items()]))
        try:
            await asyncio.wait([asking, *watching], return_when=asyncio.FIRST_COMPLETED)
            for watcher in watching:
                if watcher.done() and not asking.done():
                    watcher.result()  # only ever an error
            return dict(zip(shares, await asking, strict=True))
        finally:
            await _cancel([asking, *watching])


async def _all(coroutines: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """As `asyncio.gather`, but nothing goes on after the first error."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await _cancel(tasks)


async def _cancel(tasks: Sequence[asyncio.Task]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _ask(
    session: aiohttp.ClientSession,
    method: str,
    address: str,
    server: str,
    patience: Patience,
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The server's answer; asked again, later and later, where another attempt may go better."""
    clock = asyncio.get_running_loop().time
    failing_since, pause = None, 0.25
    while True:
        try:
            async with session.request(method, address, json=body, allow_redirects=False) as response:
                if response.status == 200:
                    return await response.json()
                said = printable(f"HTTP {response.status}: {' '.join((await response.text()).split())}", 300)
                if response.status != 429 and response.status < 500:
                    raise EngineError(f"server {server} refuses a request with {said}")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            said = _told(error)
        failing_since = failing_since if failing_since is not None else clock()
        if clock() - failing_since >= patience.seconds:
            raise dead(server, patience, said)
        await asyncio.sleep(pause * random.uniform(0.5, 1))  # so that many requests do not come back together
        pause = min(2 * pause, 4.0)


async def _watch(session: aiohttp.ClientSession, url: str, patience: Patience) -> None:
    """Raise once a server has not been healthy for too long. A host that is gone ends no connection by itself."""
    clock = asyncio.get_running_loop().time
    healthy_at = clock()
    while True:
        try:
            limit = aiohttp.ClientTimeout(total=patience.seconds)
            async with session.get(f"{url}/health", timeout=limit, allow_redirects=False) as response:
                said = f"HTTP {response.status} to /health"
                if response.status == 200:
                    healthy_at = clock()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            said = _told(error)
        if clock() - healthy_at >= patience.seconds:
            raise dead(url, patience, said)
        await asyncio.sleep(patience.check_every)


async def _require_weights(session: aiohttp.ClientSession, url: str, patience: Patience, weights: str) -> None:
    found = (await _ask(session, "GET", f"{url}/weight_info", url, patience)).get("weight_version")
    if found != weights:
        raise ServerChanged(
            f"server {url} has the weights {found!r} in place of {weights!r}: it was started again, or another run "
            "gave it some"
        )


def _told(error: Exception) -> str:
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else f"{type(error).__name__}: {error}".rstrip(": ")


def dead(url: str, patience: Patience, said: str) -> EngineError:
    """The error of a server that is not there any more."""
    return EngineError(
        f"server {url} has not answered for {patience.seconds:g} s (last: {said}); start it again, and fit goes on "
        "from its last checkpoint with --ckpt_path auto, predict with the same command"
    )
