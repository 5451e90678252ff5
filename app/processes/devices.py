"""Check that the required devices exist."""

from collections.abc import Sequence

from madeira.app.errors import SettingsError

__all__ = ["require_devices"]


def require_devices(devices: Sequence[str]) -> None:
    """Check before any worker starts that its device exists.

    Args:
        devices: `cpu`, `cuda` or `cuda:1`, of each worker.

    Raises:
        SettingsError: A CUDA device is not there.
    """
    wanted = sorted({device for device in devices if device != "cpu"})
    if not wanted:
        return
    import torch  # takes seconds, which a service on the CPU need not wait

    found = torch.cuda.device_count()
    for device in wanted:
        index = torch.device(device).index or 0
        if index >= found:
            there = f"{found} here, the last is cuda:{found - 1}" if found else "none here"
            raise SettingsError(
                f"MADEIRA_DEVICES (--devices): there is no CUDA device {index}; PyTorch sees "
                f"{there}. `--devices cpu` computes without one."
            )
