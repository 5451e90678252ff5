"""The registry of models: checkpoints on disk, versions that are served, and rejected ones."""

from madeira.app.registry.checkpoints import Rejection, ServedModel
from madeira.app.registry.registry import Lease, ModelLoader, Registry, RegistryListener

__all__ = ["Lease", "ModelLoader", "Registry", "RegistryListener", "Rejection", "ServedModel"]
