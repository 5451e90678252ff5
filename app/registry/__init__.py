"""The models on disk: which there are, which are served, and why the others are not."""

from app.registry.registry import Audience, Hold, Holder, Registry
from app.registry.store import Refusal, ServedModel

__all__ = ["Audience", "Hold", "Holder", "Refusal", "Registry", "ServedModel"]
