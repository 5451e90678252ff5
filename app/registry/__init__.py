"""The models on disk: which there are, which are served, and why the others are not."""

from madeira.app.registry.registry import Audience, Holder, Lease, Registry
from madeira.app.registry.store import Refusal, ServedModel

__all__ = ["Audience", "Holder", "Lease", "Refusal", "Registry", "ServedModel"]
