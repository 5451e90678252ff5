"""What one request may cost, whatever else is under way."""

from madeira.app.errors import InvalidInputError

__all__ = ["check_cost"]


def check_cost(cost: float, limit_cost: int, reasons: str) -> None:
    """Refuses a request that brings too much work.

    Args:
        cost: Of all its rows; see `madeira.app.jobs`.
        limit_cost: Most that it may be.
        reasons: What it is made of, in words.

    Raises:
        InvalidInputError: It is over the limit.
    """
    if cost > limit_cost:
        raise InvalidInputError(
            f"The request costs {cost:.0f} ({reasons}), over the limit of {limit_cost}; "
            "send several requests."
        )
