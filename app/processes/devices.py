"""Whether the devices that are asked for are there."""

from collections.abc import Sequence

from madeira.app.errors import SettingsError

__all__ = ["require_devices"]


def require_devices(devices: Sequence[str]) -> None:
    """Finds out before any worker is started that one of them could not compute.

    Args:
        devices: `cpu`, `cuda` or `cuda:1`, of each worker.

    Raises:
        SettingsError: A CUDA device is not there.
    """
    wanted = sorted({device for device in devices if device != "cpu"})
    if not wanted:
        return
    import torch  # takes seconds, and those who compute on the CPU need not wait for it

    found = torch.cuda.device_count()
    for device in wanted:
        index = torch.device(device).index or 0
        if index >= found:
            there = f"{found} here, the last is cuda:{found - 1}" if found else "none here"
            raise SettingsError(
                f"MADEIRA_DEVICES (--devices): there is no CUDA device {index}; PyTorch sees "
                f"{there}. `--devices cpu` computes without one."
            )
