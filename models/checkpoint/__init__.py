"""Checkpoints: a directory of safetensors and JSON, checked by digest, written atomically.

```
checkpoints/<name>/<version>/
    model.safetensors     weights, masks, mixture weights, quantiles of anomaly scores
    config.json           shape of the networks, format version, digests of the other files
    schema.json           the columns
    metrics.json          where, on what and how well it was trained; learning curves
    README.md             model card
```

No pickle is read or written. A checkpoint trained on a GPU loads on a CPU and the other way round.
"""

from madeira.models.checkpoint.load import (
    Checkpoint,
    Description,
    load_checkpoint,
    read_description,
)
from madeira.models.checkpoint.save import save_checkpoint, save_version
from madeira.models.version_numbers import next_version, versions

__all__ = [
    "Checkpoint",
    "Description",
    "load_checkpoint",
    "next_version",
    "read_description",
    "save_checkpoint",
    "save_version",
    "versions",
]
