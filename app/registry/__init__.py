"""The models on disk: which there are, which are served, and why the others are not."""

from madeira.app.registry.checkpoints import Refusal, ServedModel
from madeira.app.registry.registry import Audience, Holder, Lease, Registry

__all__ = ["Audience", "Holder", "Lease", "Refusal", "Registry", "ServedModel"]
