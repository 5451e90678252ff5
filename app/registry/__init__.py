"""The models on disk: which there are, which are served, and why the others are not."""

from madeira.app.registry.registry import Audience, Hold, Holder, Registry
from madeira.app.registry.store import Refusal, ServedModel

__all__ = ["Audience", "Hold", "Holder", "Refusal", "Registry", "ServedModel"]
