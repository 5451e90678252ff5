"""A training that is as short as can be."""

from madeira.models import FitConfig, MemberConfig, TrainingConfig
from madeira.models.made import MaskConfig, NetworkConfig

__all__ = ["SMALL"]

SMALL = FitConfig(
    (
        MemberConfig(
            "any-order",
            NetworkConfig((16,)),
            MaskConfig(ensemble=2),
            TrainingConfig(max_epochs=2, batch_rows=64),
        ),
    ),
)
