"""Which version of which model is served, and how another one takes its place.

A version takes its place in this order: what it says of itself is read, every worker loads and
warms it, requests are answered with it, and when the last request that was admitted for the old
one is done, the workers forget that. Whatever fails on the way leaves the old one where it is.
"""

import asyncio
import logging
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from app.errors import InvalidInputError, RequestError, UnavailableError, UnknownModelError
from app.jobs import ModelKey
from app.registry.store import ModelStore, Refusal, ServedModel

__all__ = ["Holder", "Registry"]

log = logging.getLogger(__name__)

COPIES = 2
"""A worker holds weights about twice: as they are stored, and folded with the masks."""


class Holder(Protocol):
    """Who holds the densities."""

    async def prepare(self, key: ModelKey) -> None:
        """Loads and warms a version; raises UnavailableError with the reason."""

    async def release(self, key: ModelKey) -> None:
        """Forgets a version."""


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
        served: Told of each version that is taken into service.
    """

    def __init__(
        self,
        directory: Path,
        default_model: str | None = None,
        pins: Mapping[str, str] | None = None,
        limit_bytes: int | None = None,
        served: Callable[[ServedModel], object] = lambda _: None,
    ) -> None:
        self._directory = directory
        self._store = ModelStore(directory, pins or {})
        self._default = default_model
        self._limit = limit_bytes
        self._served = served
        self._models: dict[str, ServedModel] = {}
        self._refused: tuple[Refusal, ...] = ()
        self._held: OrderedDict[ModelKey, int] = OrderedDict()
        self._changing = asyncio.Lock()

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
    def default(self) -> str | None:
        """Name of the model that answers a request that names none, if one does."""
        if self._default is not None:
            return self._default
        return next(iter(self._models)) if len(self._models) == 1 else None

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
        if not self._models:
            raise UnavailableError("No model is served. See GET /models for what was refused.")
        if name is None:
            if self.default is None:
                names = ", ".join(map(repr, self._models))
                raise InvalidInputError(f"`model` is missing; name one of {names}.")
            if self.default not in self._models:
                raise UnavailableError(f"The default model, {self.default!r}, is not served.")
            name = self.default
        model = self._models.get(name)
        if model is None:
            raise UnknownModelError(name, list(self._models))
        if version is not None and version != model.key.version:
            raise UnknownModelError(name, list(self._models), version, model.key.version)
        return model

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
                names = await asyncio.to_thread(self._store.names)
            except OSError as error:
                log.error("cannot read the models in %s: %s", self._directory, error.strerror)
                return
            refused: list[Refusal] = []
            for name in names:
                refused += await self._refresh_one(name, holder)
            for name in [name for name in self._models if name not in names]:
                log.info("%s is gone", name)
                self._retire(self._models.pop(name), holder)
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
                    if current is not None or self._has_room(found):
                        await self._hold(found, holder)
                except RequestError as error:
                    found = self._store.refuse(found.key, error.detail)
                else:
                    self._models[name] = found
                    self._served(found)
                    log.info("serving %s version %s", name, version)
                    if current is not None:
                        self._retire(current, holder)
                    return refused
            refused.append(found)
        # None of what is there can be served: what was served stays, the reason is told.
        return refused or ([] if candidates else [self._store.missing(name)])

    async def ensure(self, model: ServedModel, holder: Holder) -> None:
        """Has workers hold a model that a request needs.

        Raises:
            UnavailableError: They cannot load it.
        """
        if model.key in self._held:
            self._held.move_to_end(model.key)
            return
        async with self._changing:
            if model.key not in self._held:
                await self._hold(model, holder)

    def _has_room(self, model: ServedModel) -> bool:
        needed = sum(self._held.values()) + COPIES * model.size_bytes
        return self._limit is None or not self._held or needed <= self._limit

    async def _hold(self, model: ServedModel, holder: Holder) -> None:
        """Loads a model, and has those forgotten that were not asked for longest."""
        await holder.prepare(model.key)
        self._held[model.key] = COPIES * model.size_bytes
        while self._limit is not None and sum(self._held.values()) > self._limit:
            oldest = next(iter(self._held))
            if oldest == model.key:
                return
            del self._held[oldest]
            log.info("unloading %s version %s to make room", oldest.name, oldest.version)
            await holder.release(oldest)

    def _retire(self, model: ServedModel, holder: Holder) -> None:
        """Has a version forgotten when the last request that has it is done with it."""
        loop, key = asyncio.get_running_loop(), model.key

        async def release() -> None:
            if self._held.pop(key, None) is not None:
                await holder.release(key)

        def forget() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(lambda: tasks.add(loop.create_task(release())))

        tasks: set[asyncio.Task[None]] = set()
        weakref.finalize(model, forget).atexit = False
