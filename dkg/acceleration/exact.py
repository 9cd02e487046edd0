"""The generator in fixed-point arithmetic: the same key on every machine, byte for byte.

In single precision a sum of products depends on the order of its terms, and so on the processor,
the number of threads, the batch, the library and the device. Here it does not:

1. **Convolutions are sums of integers.** Activations and weights are fixed-point numbers, held in
   double precision. A layer's weights get as many fractional bits as keep the largest sum of their
   absolute values, times the largest possible activation, at most 2^49. Every product and every
   partial sum is then an integer that a double holds exactly, with four bits to spare for
   rearranged sums. Nothing is rounded, so order, fused multiply-add, blocking, threads and devices
   have no effect. The sums are matrix products or compiled loops, not the library's convolutions,
   which may use a Fourier transform.
2. **The largest activation is known in advance.** None of n numbers is further from their mean than
   sqrt(n) standard deviations, so instance normalisation bounds its output for any image.
3. **Everything else is element-wise**: addition, subtraction, multiplication, division, square root
   and rounding, one at a time. IEEE 754 prescribes each result to the last bit. Means and variances
   are sums in a fixed order.
4. **A key's bytes are read by comparison** with integer thresholds that are computed once to 60
   digits, independent of the platform's tanh.

The network is the same, with weights of about 20 bits and activations with 16 fractional bits. The
processor or GPU must have IEEE 754 double precision, and a matrix product that computes in it
instead of emulating it from narrower numbers.
"""

import math
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal, localcontext
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from dkg.acceleration import fixed_point
from dkg.models import Generator, ResidualBlock

FRACTION_BITS = 16
"""Activations are fixed-point with 16 fractional bits."""

LOW_ORDER_SHIFT = 8
"""Bits that `low_order_bytes` drops, the lowest of the last layer's sums."""

_LARGEST = 2**49  # The largest sum of a layer. A double holds every integer up to 2^53.

_Layer = Callable[[Tensor], Tensor]


class FixedPointRange(NamedTuple):
    """The range of the fixed-point numbers at one place of the network."""

    largest: int  # Bound of the absolute value.
    unit: float  # The integer that stands for 1.
    pixels: int  # Pixels of a channel.


class ExactGenerator:
    """A generator that computes exactly; see the module's description for why.

    Parameters
    ----------
    generator : dkg.models.Generator
        The network.
    device : torch.device or str, default 'cpu'
        Where to compute: ``'cpu'`` or ``'cuda'``.

    Attributes
    ----------
    unit : float
        The integer that stands for 1 in the output, a power of two.

    Raises
    ------
    ValueError
        If a weight is not finite.
    TypeError
        If the network has a layer that is not known here.
    """

    def __init__(self, generator: Generator, device: torch.device | str = "cpu"):
        self._device = torch.device(device)
        self._used = self._compiled = False
        numbers = FixedPointRange(255, 255.0, 256 * 256)
        self._layers, numbers = self._build(generator.children(), numbers)
        self.unit = numbers.unit
        with localcontext() as context:
            context.prec = 60
            # tanh(y) = k / 128 - 1 where y is half of the logarithm of k / (256 - k).
            inner = [(Decimal(k) / (256 - k)).ln() / 2 * int(self.unit) for k in range(1, 256)]
        edges = [-math.inf, *map(math.ceil, inner), math.inf]
        self._edges = torch.tensor(edges, dtype=torch.float64, device=self._device)

    def __call__(self, image: NDArray[np.uint8]) -> Tensor:
        """Compute the last layer's sums, before the hyperbolic tangent.

        Parameters
        ----------
        image : numpy.ndarray
            The seed image, uint8 (256, 256, 3).

        Returns
        -------
        torch.Tensor
            float64 (3, 256, 256), integers; divided by `unit` they are the output of the last
            layer.
        """
        context: AbstractContextManager[None] = nullcontext()
        if self._used and self._device.type == "cpu":
            # The first key takes less time than the import of the compiler.
            from dkg.acceleration import fixed_point_compiled

            self._compiled, context = True, fixed_point_compiled.own_threads()
        self._used = True
        x = torch.tensor(image, device=self._device)
        with torch.inference_mode(), context:
            x = x.permute(2, 0, 1).to(torch.float64).mul_(2).sub_(255)
            return _run(self._layers, x.contiguous())

    def paper_bytes(self, sums: Tensor) -> NDArray[np.uint8]:
        """Read a key as the paper does: the top eight bits of the output after tanh.

        Parameters
        ----------
        sums : torch.Tensor
            float64 (3, 256, 256), as `__call__` returns them.

        Returns
        -------
        numpy.ndarray
            uint8 (256, 256, 3): ``min(floor(128 (tanh(y) + 1)), 255)``.
        """
        # A guess, which the last digit of tanh may throw off by one, and its correction.
        guess = torch.tanh(sums / self.unit).add_(1).mul_(128).clamp_(0, 255).to(torch.int32)
        below = (sums < self._edges[guess]).to(torch.int32)
        above = (sums >= self._edges[guess + 1]).to(torch.int32)
        return _as_image(guess - below + above)

    @staticmethod
    def low_order_bytes(sums: Tensor) -> NDArray[np.uint8]:
        """Read a key from the low-order digits of the last layer.

        Parameters
        ----------
        sums : torch.Tensor
            float64 (3, 256, 256), as `__call__` returns them.

        Returns
        -------
        numpy.ndarray
            uint8 (256, 256, 3): ``floor(sums / 2^8) mod 256``. The lowest byte is left out,
            because it depends on nothing but the lowest bytes of activations and weights; this
            one has carries from below.
        """
        return _as_image(sums.to(torch.int64).bitwise_right_shift(LOW_ORDER_SHIFT) & 255)

    def _form(self, name: str, x: Tensor, **arguments: Any) -> Tensor:
        """Compute a layer by a function of `dkg.acceleration.fixed_point`, or its faster form."""
        forms: ModuleType = fixed_point
        if self._compiled:
            from dkg.acceleration import fixed_point_compiled as forms
        y: Tensor = getattr(forms, name)(x, **arguments)
        return y

    def _build(
        self, modules: Iterable[nn.Module], numbers: FixedPointRange
    ) -> tuple[list[_Layer], FixedPointRange]:
        """Turn modules into functions, and follow how large the numbers can become."""
        layers: list[_Layer] = []
        modules = list(modules)
        while modules:
            module = modules.pop(0)
            if isinstance(module, nn.Sequential):
                inner, numbers = self._build(module, numbers)
                layers += inner
            elif isinstance(module, ResidualBlock):
                body, added = self._build(module.body, numbers)
                layers.append(partial(_add, body))
                numbers = added._replace(largest=numbers.largest + added.largest)
            elif isinstance(module, nn.ReflectionPad2d):
                layers.append(partial(_reflect, sides=module.padding))
            elif isinstance(module, nn.ZeroPad2d):
                layers.append(partial(F.pad, pad=module.padding))
            elif isinstance(module, nn.ReLU):
                layers.append(torch.relu_)
            elif isinstance(module, nn.InstanceNorm2d):
                scale, offset, largest = self._normalisation(module, numbers.pixels)
                epsilon = module.eps * numbers.unit**2
                normalise = partial(self._form, "normalise")
                layers.append(partial(normalise, scale=scale, offset=offset, epsilon=epsilon))
                numbers = FixedPointRange(largest, 2.0**FRACTION_BITS, numbers.pixels)
            elif isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                # A convolution of each channel alone, and the one across channels that may follow
                # it with nothing between, are one convolution: there is one sum to round.
                mixing = None
                if module.groups > 1 and modules and isinstance(modules[0], nn.Conv2d):
                    mixing = modules.pop(0)
                kernel = _kernel(module, mixing)
                inner, numbers = self._convolution(module, kernel, numbers)
                layers += inner
            else:
                raise TypeError(f"there is no exact form of the layer {module}")
        return layers, numbers

    def _convolution(
        self, module: nn.Conv2d | nn.ConvTranspose2d, kernel: Tensor, numbers: FixedPointRange
    ) -> tuple[list[_Layer], FixedPointRange]:
        """Choose how to convolve with a kernel (O, C, h, w)."""
        kernel, unit = self._round_weights(kernel, numbers.largest)
        step, side = module.stride[0], int(module.padding[0])
        pixels = numbers.pixels // step**2
        layers: list[_Layer] = [partial(F.pad, pad=(side,) * 4)] if side else []
        name, options = "convolve", dict[str, Any](step=step)
        if isinstance(module, nn.ConvTranspose2d):
            name, options, layers, pixels = "upsample", {}, [], numbers.pixels * step**2
        elif step == 1 and module.kernel_size == (3, 3):
            name, options, unit = "convolve_pairs", {}, 2 * unit
        elif step == 1 and len(kernel) < fixed_point.NEIGHBOURS:
            name, options = "convolve_few", {}
        layers.append(partial(self._form, name, kernel=kernel, **options))
        return layers, FixedPointRange(_LARGEST, numbers.unit * unit, pixels)

    def _round_weights(self, weights: Tensor, largest: int) -> tuple[Tensor, float]:
        """Round weights (O, C, h, w) to integers, with as many bits as the largest sum allows."""
        allowed = _LARGEST // largest
        unrounded = float(weights.abs().sum(dim=(1, 2, 3)).max())
        for bits in range(52, -53, -1):
            if unrounded * 2.0**bits > allowed + weights[0].numel():
                continue  # Rounding changes a weight by 1/2 at most.
            whole = torch.round(weights * 2.0**bits)
            if whole.abs().sum(dim=(1, 2, 3)).max() <= allowed:
                return whole.to(self._device), 2.0**bits
        raise ValueError("the network's weights are too large, or not finite")

    def _normalisation(self, module: nn.InstanceNorm2d, n: int) -> tuple[Tensor, Tensor, int]:
        """Return scale and offset, both (C, 1) in units of activations, and their bound."""
        scale, offset = (
            p.detach().to("cpu", torch.float64)[:, None] * 2.0**FRACTION_BITS
            for p in (module.weight, module.bias)
        )
        if not (scale.isfinite().all() and offset.isfinite().all()):
            raise ValueError("the network's scales and offsets are not finite")
        largest = (math.sqrt(n) * scale.abs() + offset.abs()).max().item()
        # The margin is for what floating point may add to a proven bound.
        largest = math.ceil(largest * (1 + 2**-20)) + 1
        return scale.to(self._device), offset.to(self._device), largest


def _kernel(module: nn.Conv2d | nn.ConvTranspose2d, mixing: nn.Module | None) -> Tensor:
    """Return a convolution's weights, and those of one across channels after it, (O, C, h, w)."""
    weights = module.weight.detach().to("cpu", torch.float64)
    if module.groups == 1:
        return weights.transpose(0, 1) if isinstance(module, nn.ConvTranspose2d) else weights
    # Each channel alone: (C, 1, h, w), whichever way the convolution goes.
    across = torch.eye(len(weights), dtype=torch.float64)
    if mixing is not None:
        across = mixing.get_parameter("weight").detach().to("cpu", torch.float64)[:, :, 0, 0]
    return across[:, :, None, None] * weights[:, 0]


def _run(layers: list[_Layer], x: Tensor) -> Tensor:
    for layer in layers:
        x = layer(x)
    return x


def _add(body: list[_Layer], x: Tensor) -> Tensor:
    return _run(body, x).add_(x)


def _reflect(x: Tensor, sides: tuple[int, ...]) -> Tensor:
    return F.pad(x[None], sides, mode="reflect")[0]


def _as_image(values: Tensor) -> NDArray[np.uint8]:  # (3, H, W) -> (H, W, 3)
    return values.to(torch.uint8).permute(1, 2, 0).contiguous().cpu().numpy()
