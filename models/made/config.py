"""Settings of one network and of the masks that it is trained and used with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self, get_args

from madeira.models.errors import ConfigError

__all__ = ["Activation", "Degrees", "MaskConfig", "NetworkConfig", "Ordering"]

Activation = Literal["relu", "softplus", "tanh"]
Ordering = Literal["natural", "random", "smooth", "sampled"]
Degrees = Literal["even", "entropy", "sampled"]


def _choose(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{name} must be one of {', '.join(choices)}, not {value!r}")


def _checked(cls: type, settings: Mapping[str, Any]) -> dict[str, Any]:
    known = {field.name for field in fields(cls)}
    unknown = sorted(set(settings) - known)
    if unknown:
        raise ConfigError(f"{cls.__name__} has no setting {', '.join(map(repr, unknown))}")
    return dict(settings)


@dataclass(frozen=True)
class NetworkConfig:
    """Shape of a masked autoencoder.

    Attributes:
        hidden: Widths of the hidden layers. None at all is FVSBN (Gan et al., AISTATS 2015)
            with `direct`, and independent columns without.
        residual: Whether each layer after the first adds to what the one before it gave. The
            layers then share one width and one degree vector, so that the sum keeps the
            autoregressive property.
        activation: Nonlinearity of the hidden units.
        conditioning: The conditioning weights U of MADE section 4.2: they tell a hidden unit
            which inputs it may see.
        direct: The direct input-output weights A of MADE section 4.1.

    Raises:
        ConfigError: A width below one, or residual layers of different widths.
    """

    hidden: tuple[int, ...] = (256, 256)
    residual: bool = False
    activation: Activation = "relu"
    conditioning: bool = True
    direct: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))
        _choose("activation", self.activation, get_args(Activation))
        if any(not isinstance(width, int) or width < 1 for width in self.hidden):
            raise ConfigError(f"hidden widths must be positive integers, not {self.hidden}")
        if self.residual and len(set(self.hidden)) > 1:
            raise ConfigError(f"residual layers need one width, not {self.hidden}")

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return {**asdict(self), "hidden": list(self.hidden)}

    @classmethod
    def from_json(cls, settings: Mapping[str, Any]) -> Self:
        """Return the settings that `to_json` wrote; raises `ConfigError` on any other."""
        return cls(**_checked(cls, settings))


@dataclass(frozen=True)
class MaskConfig:
    """Which orderings and degrees a network is trained with, and which it answers with.

    The paper's plain MADE is `MaskConfig("natural", "sampled", count=1)`, its mask sampling
    `MaskConfig("sampled", "sampled", count=32)`; order-agnostic training, which gives an
    any-order network, is `MaskConfig("sampled", count=None)`.

    Attributes:
        ordering: `natural` is the order of the columns, `random` one permutation for all
            masks, `smooth` one for all masks that passes from each variable to those that depend
            on it, as learned from the rows; `sampled` another permutation in every mask.
        degrees: `even` spreads the degrees evenly over the hidden units, `entropy` by the marginal
            entropies of the variables in their ordering, so that no units are spent on variables
            that hardly vary; `sampled` draws them for every mask (MADE section 3,
            connectivity-agnostic training).
        count: Number of masks cycled through, one a minibatch; None draws a fresh one for
            every minibatch.
        ensemble: Number of masks that answer where `count` is None.
        answering_share: Share of the minibatches whose mask is one of those that answer, where
            `count` is None. Complete rows and unconditional draws use no others; evidence
            uses all.
        reach: Where set, a hidden unit is joined with the variables that are at most so many
            steps from the first that it leads to, each step from a variable to one of those
            that it depends on most, and with the units of such variables. For many variables
            that depend on few others each, such as pixels: fewer weights, for more units.

    Raises:
        ConfigError: A count or a reach below one, a share outside [0, 1), degrees by entropy in
            an any-order network, whose units have the same degrees in every ordering, or a
            reach of units that serve more than one mask.
    """

    ordering: Ordering = "sampled"
    degrees: Degrees = "even"
    count: int | None = None
    ensemble: int = 8
    answering_share: float = 0.0
    reach: int | None = None

    def __post_init__(self) -> None:
        _choose("ordering", self.ordering, get_args(Ordering))
        _choose("degrees", self.degrees, get_args(Degrees))
        if self.count is not None and self.count < 1:
            raise ConfigError(f"count must be at least 1, or None for fresh masks: {self.count}")
        if self.ensemble < 1:
            raise ConfigError(f"ensemble must be at least 1, not {self.ensemble}")
        if not 0 <= self.answering_share < 1:
            raise ConfigError(f"answering_share must be in [0, 1), not {self.answering_share}")
        if self.any_order and self.degrees == "entropy":
            raise ConfigError("degrees by entropy need orderings that are fixed: set count")
        if self.reach is not None and (self.reach < 1 or self.count != 1):
            raise ConfigError(f"reach must be at least 1, and count 1: {self.reach}, {self.count}")

    @property
    def any_order(self) -> bool:
        """Whether training meets every ordering, so that any can be chosen at inference."""
        return self.ordering == "sampled" and self.count is None

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, settings: Mapping[str, Any]) -> Self:
        """Return the settings that `to_json` wrote; raises `ConfigError` on any other."""
        return cls(**_checked(cls, settings))
