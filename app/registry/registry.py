"""The versions that are served, and the replacement of one by another.

A new version is read, then loaded and warmed by every worker, and then it answers requests. When
the last request for the old version is done, the workers forget the old one. A failure on the way
leaves the old version in service.
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
from madeira.app.registry.checkpoints import CheckpointRepository, Rejection, ServedModel

__all__ = ["Lease", "ModelLoader", "Registry", "RegistryListener"]

log = logging.getLogger(__name__)

COPIES = 2
"""A worker holds weights about twice: as they are stored, and folded with the masks."""


class ModelLoader(Protocol):
    """Loads the densities: the engine, as the registry sees it."""

    async def prepare(self, key: ModelKey) -> None:
        """Load and warm a version.

        Raises:
            UnavailableError: It cannot be loaded, for the reason that is given.
        """

    async def release(self, key: ModelKey) -> None:
        """Forget a version."""


class RegistryListener(Protocol):
    """Listener for version events: served, failed, retired."""

    def served(self, model: ServedModel) -> object:
        """Note that a version was taken into service."""

    def failed(self, key: ModelKey, reason: str) -> object:
        """Note that a version was tried and failed; called from any thread."""

    def retired(self, key: ModelKey) -> object:
        """Note that a version is served no longer."""


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
        """End the lease; a second call does nothing."""
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
    checkpoint that cannot be loaded is rejected by name, with the reason; the other models are
    served all the same.

    Args:
        directory: Directories of the checkpoints.
        default_model: Model of a request that names none.
        pins: The only version to be served, by name of model.
        limit_bytes: Most memory that all models together may take in a worker; None for any.
        listener: Listener for version events; None for none.
    """

    def __init__(
        self,
        directory: Path,
        default_model: str | None = None,
        pins: Mapping[str, str] | None = None,
        limit_bytes: int | None = None,
        listener: RegistryListener | None = None,
    ) -> None:
        self._directory = directory
        self._listener = listener
        failed = listener.failed if listener is not None else None
        self._repository = CheckpointRepository(directory, pins or {}, failed)
        self._default = default_model
        self._limit = limit_bytes
        self._models: dict[str, ServedModel] = {}
        self._refused: tuple[Rejection, ...] = ()
        self._held: OrderedDict[ModelKey, tuple[Lease, int]] = OrderedDict()
        self._leases: Counter[ModelKey] = Counter()
        self._releasing: set[asyncio.Task[None]] = set()
        self._changing = asyncio.Lock()
        self._untried: list[str] | None = None

    @property
    def models(self) -> Mapping[str, ServedModel]:
        """The models that are served, by name."""
        return self._models

    @property
    def refused(self) -> tuple[Rejection, ...]:
        """The checkpoints that are rejected."""
        return self._refused

    @property
    def held(self) -> tuple[ModelKey, ...]:
        """The versions that stay loaded, the most recently used last."""
        return tuple(self._held)

    @property
    def loading(self) -> bool:
        """Whether some models were not tried since the start."""
        return self._untried is None or bool(self._untried)

    @property
    def default(self) -> str | None:
        """Name of the model that answers a request that names none; None if there is none."""
        if self._default is not None:
            return self._default
        names = {*self._models, *(self._untried or ())}
        return names.pop() if len(names) == 1 and self._untried is not None else None

    def resolve(self, name: str | None, version: str | None = None) -> ServedModel:
        """Return the model that a request names.

        Args:
            name: Name in the request; None if it names none.
            version: Version that it requires; None for the one that is served.

        Raises:
            InvalidInputError: No name is given and no model is the default.
            UnknownModelError: No model of this name and version is served.
            UnavailableError: No model is served at all, or the default one is not.
        """  # noqa: DOC501 - the named constructors are no errors
        wanted = self.default if name is None else name
        untried = self._untried or ()
        if self.loading and wanted not in self._models and (not self._models or wanted in untried):
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

    async def refresh(self, loader: ModelLoader, again: str | None = None) -> None:
        """Serve the new versions in the directory, and retire those that are gone.

        Args:
            loader: Loads the densities.
            again: Model whose rejected versions are tried once more.
        """
        async with self._changing:
            if again is not None:
                self._repository.retry(again)
            try:
                names, refused = await asyncio.to_thread(self._repository.names)
            except OSError as error:
                log.error("cannot read the models in %s: %s", self._directory, error.strerror)
                self._untried = []
                return
            if self._untried is None:
                names = await asyncio.to_thread(
                    self._repository.soonest_first, names, self._default
                )
                self._untried = list(names)
            for name in names:
                refused += await self._refresh_one(name, loader)
                if name in self._untried:
                    self._untried.remove(name)
            for name in [name for name in self._models if name not in names]:
                log.info("%s is gone", name)
                self._retire(self._models.pop(name))
            self._refused = tuple(refused)

    async def _refresh_one(self, name: str, loader: ModelLoader) -> list[Rejection]:
        """Serve the best version of a model; return the better ones, which are rejected."""
        refused: list[Rejection] = []
        current = self._models.get(name)
        candidates = await asyncio.to_thread(self._repository.candidates, name)
        for version in candidates:
            if current is not None and current.key.version == version:
                return refused
            found = await asyncio.to_thread(self._repository.read, name, version)
            if isinstance(found, ServedModel):
                try:
                    # It is loaded even where it cannot stay: only what has computed is served.
                    keep = current is not None or self._has_room(found)
                    (await self._load(found, loader, keep=keep)).close()
                except NoWorkerError as error:
                    # That says nothing of the version, which is tried again at the next refresh.
                    found = Rejection(name, version, error.detail)
                except RequestError as error:
                    found = self._repository.reject(found.key, error.detail)
                else:
                    self._models = dict(sorted({**self._models, name: found}.items()))
                    if self._listener is not None:
                        self._listener.served(found)
                    log.info("serving %s version %s", name, version)
                    if current is not None:
                        self._retire(current)
                    self._make_room()
                    return refused
            refused.append(found)
        # No version can be served: the old one stays, and the reasons are returned.
        return refused or ([] if candidates else [self._repository.missing(name)])

    async def lease(self, model: ServedModel, loader: ModelLoader) -> Lease:
        """Have the workers load a model for a request, unless they have it.

        Args:
            model: The model.
            loader: Loads it.

        Returns:
            The lease; it is closed when the request is done.

        Raises:
            UnavailableError: The workers cannot load it.
        """
        if model.key not in self._held:
            async with self._changing:
                # A version that was replaced since the request arrived is loaded for it alone.
                keep = self._models.get(model.key.name) is model
                lease = await self._load(model, loader, keep=keep)
                self._make_room()
                return lease
        self._held.move_to_end(model.key)
        return self._lease(model.key, loader)

    def _has_room(self, model: ServedModel) -> bool:
        needed = self._held_bytes + COPIES * model.size_bytes
        return self._limit is None or not self._held or needed <= self._limit

    @property
    def _held_bytes(self) -> int:
        return sum(size for _, size in self._held.values())

    async def _load(self, model: ServedModel, loader: ModelLoader, *, keep: bool) -> Lease:
        """Load a model unless it is still loaded; `keep` makes it stay."""
        key = model.key
        loaded = key in self._leases
        lease = self._lease(key, loader)
        if not loaded:
            try:
                await loader.prepare(key)
            except BaseException:
                lease.close()
                raise
        if keep and key not in self._held:
            self._held[key] = self._lease(key, loader), COPIES * model.size_bytes
        return lease

    def _make_room(self) -> None:
        """Unload the least recently used models until the rest fits."""
        while self._limit is not None and self._held_bytes > self._limit and len(self._held) > 1:
            oldest, (lease, _) = self._held.popitem(last=False)
            lease.close()
            log.info("unloading %s version %s to make room", oldest.name, oldest.version)

    def _lease(self, key: ModelKey, loader: ModelLoader) -> Lease:
        self._leases[key] += 1
        return Lease(key, partial(self._closed, key, loader))

    def _closed(self, key: ModelKey, loader: ModelLoader) -> None:
        """Count a closed lease; after the last one of a version, the workers forget it."""
        self._leases[key] -= 1
        if not self._leases[key]:
            del self._leases[key]
            task = asyncio.get_running_loop().create_task(self._release(key, loader))
            self._releasing.add(task)
            task.add_done_callback(self._releasing.discard)

    async def _release(self, key: ModelKey, loader: ModelLoader) -> None:
        if key not in self._leases:  # else it has been leased again
            await loader.release(key)

    def _retire(self, model: ServedModel) -> None:
        """Serve a version no longer; requests that hold a lease of it keep it loaded."""
        held = self._held.pop(model.key, None)
        if held is not None:
            held[0].close()
        if self._listener is not None:
            self._listener.retired(model.key)
