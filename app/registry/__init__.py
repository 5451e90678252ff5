"""The models on disk: which there are, which are served, and why the others are not."""

from app.registry.registry import Refusal, Registry, ServedModel

__all__ = ["Refusal", "Registry", "ServedModel"]
