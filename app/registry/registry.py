"""Which version of which model is served, and how another one takes its place.

A version takes its place in this order: what it says of itself is read, every worker loads and
warms it, requests are answered with it, and when the last request that was admitted for the old
one is done, the workers forget that. Whatever fails on the way leaves the old one where it is.
"""

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from madeira.app.errors import (
    InvalidInputError,
    NoWorkerError,
    RequestError,
    UnavailableError,
    UnknownModelError,
)
from madeira.app.jobs import ModelKey
from madeira.app.registry.checkpoints import ModelStore, Refusal, ServedModel

__all__ = ["Audience", "Holder", "Lease", "Registry"]

log = logging.getLogger(__name__)

COPIES = 2
"""A worker holds weights about twice: as they are stored, and folded with the masks."""


class Holder(Protocol):
    """Who holds the densities."""

    async def prepare(self, key: ModelKey) -> None:
        """Loads and warms a version; raises UnavailableError with the reason."""

    async def release(self, key: ModelKey) -> None:
        """Forgets a version."""


class Audience(Protocol):
    """Who is told what becomes of versions."""

    def served(self, model: ServedModel) -> object:
        """A version has been taken into service."""

    def failed(self, key: ModelKey, reason: str) -> object:
        """A version could not be, and was tried; it may come from another thread."""

    def retired(self, key: ModelKey) -> object:
        """A version is no longer served."""


class Lease:
    """Keeps a version in the workers until it is closed; as a context, until that is left.

    The registry holds a lease of each version that should stay loaded, and each request one of the
    version that it computes with. So a version that is replaced, or unloaded to make room, leaves
    the workers when the last request that was admitted for it is done, and never before.

    Args:
        key: The version.
        close: Called once, when the lease ends.
    """

    __slots__ = ("_close", "key")

    def __init__(self, key: ModelKey, close: Callable[[], object]) -> None:
        self.key = key
        self._close: Callable[[], object] | None = close

    def close(self) -> None:
        """Ends the lease; a second call does nothing."""
        close, self._close = self._close, None
        if close is not None:
            close()

    def __enter__(self) -> ModelKey:
        return self.key

    def __exit__(self, *_: object) -> None:
        self.close()


class Registry:
    """The models of one directory, `<name>/<version>/`.

    Of each model the pinned version is served, or else the highest that can be loaded. A
    checkpoint that cannot be is refused by name, with the reason; the other models are served
    whatever becomes of it.

    Args:
        directory: Where the checkpoints are.
        default_model: Model of a request that names none.
        pins: The only version to be served, by name of model.
        limit_bytes: Most memory that all models together may take in a worker; None for any.
        audience: Told what becomes of versions; None for nobody.
    """

    def __init__(
        self,
        directory: Path,
        default_model: str | None = None,
        pins: Mapping[str, str] | None = None,
        limit_bytes: int | None = None,
        audience: Audience | None = None,
    ) -> None:
        self._directory = directory
        self._audience = audience
        failed = audience.failed if audience is not None else None
        self._store = ModelStore(directory, pins or {}, failed)
        self._default = default_model
        self._limit = limit_bytes
        self._models: dict[str, ServedModel] = {}
        self._refused: tuple[Refusal, ...] = ()
        self._held: OrderedDict[ModelKey, tuple[Lease, int]] = OrderedDict()
        self._leases: Counter[ModelKey] = Counter()
        self._releasing: set[asyncio.Task[None]] = set()
        self._changing = asyncio.Lock()
        self._coming: list[str] | None = None

    @property
    def models(self) -> Mapping[str, ServedModel]:
        """The models served, by name."""
        return self._models

    @property
    def refused(self) -> tuple[Refusal, ...]:
        """The checkpoints that are not served."""
        return self._refused

    @property
    def held(self) -> tuple[ModelKey, ...]:
        """The versions that workers hold, the one that was asked for last at the end."""
        return tuple(self._held)

    @property
    def loading(self) -> bool:
        """Whether some models have not been tried since the start."""
        return self._coming is None or bool(self._coming)

    @property
    def default(self) -> str | None:
        """Name of the model that answers a request that names none, if one does."""
        if self._default is not None:
            return self._default
        names = {*self._models, *(self._coming or ())}
        return names.pop() if len(names) == 1 and self._coming is not None else None

    def resolve(self, name: str | None, version: str | None = None) -> ServedModel:
        """The model that a request means.

        Args:
            name: What the request calls it; None where it names none.
            version: The version it insists on; None for the one that is served.

        Raises:
            InvalidInputError: No name is given and no model is the default.
            UnknownModelError: No model of this name and version is served.
            UnavailableError: No model is served at all, or the default one is not.
        """
        wanted = self.default if name is None else name
        coming = self._coming or ()
        if self.loading and wanted not in self._models and (not self._models or wanted in coming):
            raise UnavailableError(
                "The models are being loaded; try again in 1 s.", headers={"Retry-After": "1"}
            )
        if not self._models:
            raise UnavailableError(self._why_none())
        if name is None:
            if self.default is None:
                names = ", ".join(map(repr, self._models))
                raise InvalidInputError(f"`model` is missing; name one of {names}.")
            if self.default not in self._models:
                raise UnavailableError(f"The default model, {self.default!r}, is not served.")
            name = self.default
        model = self._models.get(name)
        if model is None:
            raise UnknownModelError.of_name(name, list(self._models))
        if version is not None and version != model.key.version:
            raise UnknownModelError.of_version(name, version, model.key.version)
        return model

    def _why_none(self) -> str:
        if self._refused:
            return "No model is served: all were refused, for the reasons that GET /models gives."
        return (
            "No model is served: there is none yet. `madeira train DATA --name NAME` makes one, "
            "which is served without a restart."
        )

    async def refresh(self, holder: Holder, again: str | None = None) -> None:
        """Takes into service what is new in the directory, and out of it what is gone.

        Args:
            holder: Who is to hold the densities.
            again: A model whose refused versions are tried once more.
        """
        async with self._changing:
            if again is not None:
                self._store.forgive(again)
            try:
                names, refused = await asyncio.to_thread(self._store.names)
            except OSError as error:
                log.error("cannot read the models in %s: %s", self._directory, error.strerror)
                self._coming = []
                return
            if self._coming is None:
                names = await asyncio.to_thread(self._store.soonest_first, names, self._default)
                self._coming = list(names)
            for name in names:
                refused += await self._refresh_one(name, holder)
                if name in self._coming:
                    self._coming.remove(name)
            for name in [name for name in self._models if name not in names]:
                log.info("%s is gone", name)
                self._retire(self._models.pop(name))
            self._refused = tuple(refused)

    async def _refresh_one(self, name: str, holder: Holder) -> list[Refusal]:
        """Serves the best version of a model; returns those that are better and cannot be."""
        refused: list[Refusal] = []
        current = self._models.get(name)
        candidates = await asyncio.to_thread(self._store.candidates, name)
        for version in candidates:
            if current is not None and current.key.version == version:
                return refused
            found = await asyncio.to_thread(self._store.read, name, version)
            if isinstance(found, ServedModel):
                try:
                    # It is loaded even where it cannot stay: only what has computed is served.
                    keep = current is not None or self._has_room(found)
                    (await self._load(found, holder, keep=keep)).close()
                except NoWorkerError as error:
                    # That says nothing of the version, which is tried again at the next look.
                    found = Refusal(name, version, error.detail)
                except RequestError as error:
                    found = self._store.refuse(found.key, error.detail)
                else:
                    self._models = dict(sorted({**self._models, name: found}.items()))
                    if self._audience is not None:
                        self._audience.served(found)
                    log.info("serving %s version %s", name, version)
                    if current is not None:
                        self._retire(current)
                    self._make_room()
                    return refused
            refused.append(found)
        # None of what is there can be served: what was served stays, the reason is told.
        return refused or ([] if candidates else [self._store.missing(name)])

    async def lease(self, model: ServedModel, holder: Holder) -> Lease:
        """Has workers load a model that a request needs, unless they have it.

        Returns:
            What keeps it there; to be closed when the request is done.

        Raises:
            UnavailableError: The workers cannot load it.
        """
        if model.key not in self._held:
            async with self._changing:
                # A version that was replaced since the request came is loaded for it alone.
                keep = self._models.get(model.key.name) is model
                lease = await self._load(model, holder, keep=keep)
                self._make_room()
                return lease
        self._held.move_to_end(model.key)
        return self._lease(model.key, holder)

    def _has_room(self, model: ServedModel) -> bool:
        needed = self._held_bytes + COPIES * model.size_bytes
        return self._limit is None or not self._held or needed <= self._limit

    @property
    def _held_bytes(self) -> int:
        return sum(size for _, size in self._held.values())

    async def _load(self, model: ServedModel, holder: Holder, *, keep: bool) -> Lease:
        """Loads a model, unless it is loaded still, and has it stay if it is to be kept."""
        key = model.key
        loaded = key in self._leases
        lease = self._lease(key, holder)
        if not loaded:
            try:
                await holder.prepare(key)
            except BaseException:
                lease.close()
                raise
        if keep and key not in self._held:
            self._held[key] = self._lease(key, holder), COPIES * model.size_bytes
        return lease

    def _make_room(self) -> None:
        """Has those models forgotten that were not asked for longest."""
        while self._limit is not None and self._held_bytes > self._limit and len(self._held) > 1:
            oldest, (lease, _) = self._held.popitem(last=False)
            lease.close()
            log.info("unloading %s version %s to make room", oldest.name, oldest.version)

    def _lease(self, key: ModelKey, holder: Holder) -> Lease:
        self._leases[key] += 1
        return Lease(key, partial(self._closed, key, holder))

    def _closed(self, key: ModelKey, holder: Holder) -> None:
        """Counts a lease less; after the last of a version workers forget it."""
        self._leases[key] -= 1
        if not self._leases[key]:
            del self._leases[key]
            task = asyncio.get_running_loop().create_task(self._release(key, holder))
            self._releasing.add(task)
            task.add_done_callback(self._releasing.discard)

    async def _release(self, key: ModelKey, holder: Holder) -> None:
        if key not in self._leases:  # else it has been leased again
            await holder.release(key)

    def _retire(self, model: ServedModel) -> None:
        """Serves a version no longer; the last request that has it keeps it until it is done."""
        held = self._held.pop(model.key, None)
        if held is not None:
            held[0].close()
        if self._audience is not None:
            self._audience.retired(model.key)
