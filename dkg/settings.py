"""Settings of a training, each with its default and where the default comes from."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dkg.models import CONVOLUTIONS, PADDINGS


def _setting(default: Any, source: str) -> Any:
    return field(default=default, metadata={"source": source})


SEED_BITS = 63
"""The length of a training's random seed."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Settings of a training run; the defaults are the paper's.

    ``describe()`` lists every setting with where its value comes from: the paper's section or
    equation, "group's code" for the later code of the same group, or "ours" where neither says.

    Raises
    ------
    ValueError
        If a setting is out of its range; the message names it and its value.
    """

    steps: int = _setting(20_000, "section IV: 'training epoch is set to 20000'")
    batch_size: int = _setting(1, "section IV: 'batch size is set to 1'")
    learning_rate: float = _setting(2e-4, "section IV: 'learning rate is 0.0002'")
    beta1: float = _setting(0.5, "section IV: 'decay rate of the first-order moment ... 0.5'")
    beta2: float = _setting(0.999, "section IV: 'the second-order moment estimation is 0.999'")
    loss: str = _setting("gan", "Eqs. 2-3; 'lsgan' (least squares) is the group's code")
    non_saturating: bool = _setting(
        True, "group's code; False minimises log(1 - D(G(x))), which is Eq. 2 to the letter"
    )
    real_label: float = _setting(0.9, "group's code; used by 'lsgan' only")
    pool_size: int = _setting(50, "group's code: D sees fakes from a pool of 50 earlier keys")
    residual_blocks: int = _setting(6, "Table I; Table XVI has 3, 6, 9, 12")
    convs_per_block: int = _setting(1, "Table I (221,184 parameters)")
    convolution: str = _setting(
        "standard", "Table I; 'mobilenet' and 'xception' are section VI's future work"
    )
    padding: str = _setting("reflection", "group's code; 'zero' is the other usual choice")
    generator_width: int = _setting(16, "Table I; the group's code has 32")
    discriminator_width: int = _setting(16, "Table II")
    seed: int | None = _setting(None, "ours; None draws from the system's entropy and records it")
    threads: int | None = _setting(None, "ours; CPU threads, None keeps torch's setting")
    device: str = _setting("auto", "ours; 'auto' is CUDA where there is one, else the CPU")
    log_every: int = _setting(50, "ours; steps")
    checkpoint_every: int = _setting(500, "ours; steps")
    sample_steps: tuple[int, ...] = _setting(
        (0, 500, 1000, 2000, 4000, 7000, 10_000, 13_000, 16_000, 20_000), "ours; steps"
    )
    collapse_entropy: float = _setting(5.0, "ours; bits, a key below it counts as collapsed")
    collapse_steps: int = _setting(1000, "ours; steps below the bound before it is reported")

    def __post_init__(self) -> None:
        at_least = {
            "steps": 1,
            "batch_size": 1,
            "pool_size": 0,
            "residual_blocks": 0,
            "generator_width": 1,
            "discriminator_width": 1,
            "log_every": 1,
            "checkpoint_every": 1,
            "collapse_steps": 1,
        }
        for name, bound in at_least.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < bound:
                raise ValueError(f"{name} must be an integer >= {bound}, not {value!r}")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be positive, not {self.learning_rate!r}")
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must lie in [0, 1), not {getattr(self, name)!r}")
        if self.loss not in ("gan", "lsgan"):
            raise ValueError(f"loss must be 'gan' or 'lsgan', not {self.loss!r}")
        if self.convs_per_block not in (1, 2):
            raise ValueError(f"convs_per_block must be 1 or 2, not {self.convs_per_block!r}")
        for name, allowed in (("convolution", CONVOLUTIONS), ("padding", PADDINGS)):
            if (value := getattr(self, name)) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
        if self.seed is not None and not 0 <= self.seed < 2**SEED_BITS:
            raise ValueError(f"seed must be None or lie in [0, 2**63), not {self.seed!r}")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"threads must be None or at least 1, not {self.threads!r}")

    @property
    def architecture(self) -> dict[str, Any]:
        """The parameters of `dkg.models.Generator`."""
        return {
            "residual_blocks": self.residual_blocks,
            "width": self.generator_width,
            "convs_per_block": self.convs_per_block,
            "convolution": self.convolution,
            "padding": self.padding,
        }

    @classmethod
    def describe(cls) -> list[tuple[str, Any, str]]:
        """List every setting as (name, default, where the default comes from)."""
        return [(f.name, f.default, f.metadata["source"]) for f in dataclasses.fields(cls)]

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> "TrainConfig":
        """Make a configuration from names and values, as read from a file.

        Raises
        ------
        ValueError
            If a name is not a setting.
        """
        unknown = set(settings) - {f.name for f in dataclasses.fields(cls)}
        if unknown:
            raise ValueError(f"unknown training settings: {', '.join(sorted(unknown))}")
        settings = dict(settings)
        if "sample_steps" in settings:
            settings["sample_steps"] = tuple(settings["sample_steps"])
        return cls(**settings)
