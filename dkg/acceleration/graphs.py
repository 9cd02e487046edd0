"""CUDA graphs: the kernels of a function are captured once and launched together afterwards."""

from collections.abc import Callable

import torch
from torch import Tensor


class CudaGraph:
    """A function of tensors on a GPU, replayed as a CUDA graph.

    A training step of small networks has several hundred kernels, and launching them one by one
    takes longer than running them. The outputs stay where they are in memory: the next call
    overwrites them.

    Parameters
    ----------
    function : callable
        Takes tensors and returns a tuple of tensors, all on the GPU.
    """

    WARM_UP = 3  # Libraries choose their algorithms, and the optimiser makes its state.

    def __init__(self, function: Callable[..., tuple[Tensor, ...]]):
        self.function = function
        self.calls = 0
        self.stream = torch.cuda.Stream()  # A graph cannot be captured on the default stream.

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Return what the function returns."""
        self.calls += 1
        if self.calls <= self.WARM_UP:
            self.stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self.stream):
                outputs = self.function(*inputs)
            torch.cuda.current_stream().wait_stream(self.stream)
            return outputs
        if self.calls == self.WARM_UP + 1:
            self.inputs = [x.clone() for x in inputs]
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph, stream=self.stream):  # Nothing is computed yet.
                self.outputs = self.function(*self.inputs)
        for own, given in zip(self.inputs, inputs, strict=True):
            own.copy_(given)
        self.graph.replay()
        return self.outputs
