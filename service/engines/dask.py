"""A cluster of Dask distributed: workers that know of each other and lend each other a hand.

The store stays the truth about jobs, and each worker pulls its own; Dask is how workers find
and reach each other. So nothing is lost with a scheduler: jobs go on, and the workers join the
next one. A hand is lent as an actor, which is one task for as long as the job lasts; what a
step needs goes from worker to worker.
"""

import asyncio
import logging
import random
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from tempfile import TemporaryDirectory
from typing import Any

from distributed import Client, Future, Security, Worker, get_worker
from distributed.actor import BaseActorFuture
from distributed.diagnostics.plugin import WorkerPlugin

from service.engines.scheduling import CONNECT_SECONDS, configured, hush, one_line
from service.jobs.crew import Crew, Hand, HandLostError, Order, Reply

LOG = logging.getLogger("gradserve.cluster")
_NAME = "gradserve"
_JOIN_SECONDS, _REJOIN_SECONDS = 20.0, 1.0
_DESK_SECONDS = 0.5  # as long as a look for a job of one's own may take


class Lending(WorkerPlugin):
    """What a lent worker has at hand: its one place of work, and what makes a share."""

    name = _NAME

    def __init__(self, desk: threading.Lock, share: Callable[[Order], object]) -> None:
        self.desk, self.share = desk, share
        self.give_back: Callable[[], object] | None = None

    def teardown(self, worker: Worker) -> None:
        """The worker leaves the cluster, and nobody will ask it for anything any more."""
        give_back, self.give_back = self.give_back, None
        if give_back is not None:
            give_back()


class Lent:
    """A worker while it is lent, as an actor; given back when nobody knows it any more."""

    def __init__(self, order: Order) -> None:
        lending = get_worker().plugins[_NAME]
        assert isinstance(lending, Lending)
        self._order, self._lending = order, lending
        self._share: object = None
        self._is_taken = lending.desk.acquire(timeout=_DESK_SECONDS)
        if self._is_taken:
            LOG.info("lent", extra={"job": order.job})
            self._give_back = weakref.finalize(self, _give_back, lending.desk, order.job)
            lending.give_back = self._give_back

    def begin(self) -> bool:
        """Make the share ready; False where the worker is at something else."""
        if self._is_taken:
            self._share = self._lending.share(self._order)
        return self._is_taken

    def call(self, method: str, arguments: tuple[object, ...]) -> object:
        """What a method of the share answers."""
        return getattr(self._share, method)(*arguments)

    def end(self) -> None:
        """Forget the share, and be free."""
        self._share = None
        if self._is_taken:
            self._give_back()


def _give_back(desk: threading.Lock, job: str) -> None:
    desk.release()
    LOG.info("given back", extra={"job": job})


class Membership:
    """A worker's membership in a cluster, kept up by a thread of its own."""

    def __init__(self, address: str, security: Security | None, lending: Lending) -> None:
        self._address, self._security, self._lending = address, security, lending
        self._worker: Worker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = threading.Event()
        self._leave: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="cluster", daemon=True)

    def start(self) -> None:
        """Begin to join."""
        self._thread.start()

    def close(self) -> None:
        """Leave the cluster."""
        self._closing.set()
        loop, leave = self._loop, self._leave
        if loop is not None and leave is not None:
            with suppress(RuntimeError):  # the loop has ended by itself
                loop.call_soon_threadsafe(leave.set)
        self._thread.join(CONNECT_SECONDS)

    @property
    def address(self) -> str | None:
        """Where others reach this worker; None while it is no member."""
        worker = self._worker
        return None if worker is None else str(worker.address)

    @contextmanager
    def crew(self) -> Iterator[Crew]:
        """The crew for one job: all that it hires is given back afterwards."""
        crew = DaskCrew(self._address, self._security, self)
        try:
            yield crew
        finally:
            crew.close()

    def _run(self) -> None:
        with configured(), TemporaryDirectory(prefix="gradserve-dask-") as folder:
            while not self._closing.is_set():
                try:
                    asyncio.run(self._stay(folder))
                except (OSError, TimeoutError) as error:
                    LOG.warning("not in the cluster", extra={"reason": one_line(error)})
                except Exception:
                    # The outermost edge of the thread: without it the worker would never be
                    # a member again, and nobody would know.
                    LOG.exception("not in the cluster")
                self._closing.wait(_REJOIN_SECONDS * (1.0 + random.random()))

    async def _stay(self, folder: str) -> None:
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        worker = Worker(
            self._address,
            nthreads=1,
            memory_limit=0,
            security=self._security,
            plugins=(self._lending,),
            local_directory=folder,
            dashboard=False,
            death_timeout=_JOIN_SECONDS,
        )
        hush()
        async with worker:
            self._worker = worker
            LOG.info("in the cluster", extra={"reason": worker.address})
            try:
                left = asyncio.ensure_future(self._leave.wait())
                ended = asyncio.ensure_future(worker.finished())
                await asyncio.wait((left, ended), return_when=asyncio.FIRST_COMPLETED)
                left.cancel()
                ended.cancel()
            finally:
                self._worker = None
        LOG.info("out of the cluster", extra={"reason": worker.address})


class DaskCrew(Crew):
    """The other workers of the cluster; its client is made when it is first needed."""

    def __init__(self, address: str, security: Security | None, membership: Membership) -> None:
        self._address, self._security, self._membership = address, security, membership
        self._client: Client | None = None
        self._lock, self._is_closed = threading.Lock(), False

    def others(self) -> Sequence[str]:
        """The addresses of the other workers; none while there is no scheduler."""
        try:
            found = self._connected().scheduler_info(n_workers=-1)["workers"]
        except (OSError, TimeoutError, HandLostError) as error:
            LOG.warning("no crew", extra={"reason": one_line(error)})
            return ()
        own = self._membership.address
        return [address for address in found if address != own]

    def hire(self, address: str, order: Order) -> Hand | None:
        """The worker at this address, if it is free."""
        client = self._connected()
        future = client.submit(
            Lent, order, actor=True, workers=[address], allow_other_workers=False, pure=False
        )
        hand = DaskHand(address, client, future)
        if hand.begin():
            return hand
        hand.leave()
        return None

    def close(self) -> None:
        """Give everybody back; whoever waits for a scheduler just now does so after."""
        self._is_closed = True
        if self._lock.acquire(blocking=False):
            try:
                self._close_client()
            finally:
                self._lock.release()

    def _close_client(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close(timeout=CONNECT_SECONDS)

    def _connected(self) -> Client:
        with self._lock:
            if self._client is not None and self._client.status == "running":
                return self._client
            self._close_client()
            try:
                client = self._client = Client(
                    self._address,
                    security=self._security,
                    timeout=CONNECT_SECONDS,
                    direct_to_workers=True,
                    set_as_default=True,  # an actor's proxy finds its client so
                )
            except (OSError, TimeoutError) as error:
                raise HandLostError(one_line(error)) from error
            if self._is_closed:
                self._close_client()
                raise HandLostError("the job has ended")
            return client


class DaskHand(Hand):
    """A lent worker as the job sees it."""

    def __init__(self, address: str, client: Client, future: Future[Any]) -> None:
        self._address, self._client, self._future = address, client, future
        self._actor: Any = None

    @property
    def name(self) -> str:
        """The address of the worker."""
        return self._address

    def begin(self) -> bool:
        """Wait until its share is ready; False where it is at something else."""
        try:
            self._actor = self._future.result(timeout=_JOIN_SECONDS)
        except Exception as error:  # whatever the constructor raised over there, or Dask here
            raise HandLostError(one_line(error)) from error
        reply = DaskReply(self._actor.begin(), self._future)
        while True:
            with suppress(TimeoutError):
                return bool(reply.value(_JOIN_SECONDS))

    def ask(self, method: str, *arguments: object) -> Reply:
        """Have it call a method of its share."""
        try:
            return DaskReply(self._actor.call(method, arguments), self._future)
        except Exception as error:
            raise HandLostError(one_line(error)) from error

    def leave(self) -> None:
        """Have it do other things."""
        if self._actor is not None:
            # Whether it hears of it or not: without a client its worker forgets it as well.
            with suppress(Exception):
                self._actor.end().result(timeout=_DESK_SECONDS)
        with suppress(Exception):
            self._future.release()


class DaskReply(Reply):
    """A call of an actor that is under way."""

    def __init__(self, call: BaseActorFuture[object], future: Future[Any]) -> None:
        self._call, self._future = call, future

    def value(self, seconds: float) -> object:
        """What it answers; see `Reply`."""
        try:
            return self._call.result(timeout=seconds)
        except TimeoutError:
            # A call whose worker has died is never answered.
            if self._future.status not in ("finished", "pending"):
                raise HandLostError(f"its worker is {self._future.status}") from None
            raise
        except Exception as error:
            raise HandLostError(one_line(error)) from error
