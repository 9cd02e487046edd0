"""How long each control of the attack lab takes to show its change.

    python benchmarks/attack_lab.py

Each control is moved to a value that is new, which may need a key that nobody made before, and
back to one whose keys are kept. The time is from the change to the finished pictures in the
kernel; what the browser adds is not in it. A quiet machine has about as much wall as processor
time; where others compute, too, the second is the one to look at. The goal is half a second for
each change; what takes longer is marked, and the panel shows that it computes meanwhile.
"""

import time

import ipywidgets
import numpy as np
import pandas as pd
import torch

from dkg import widgets

GOAL = 0.5


def seconds(control, value):
    """Return wall and processor time of a change, in seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    control.value = value
    return time.perf_counter() - wall, time.process_time() - processor


def new_value(control):
    """Return a value that the control does not have at the start."""
    if isinstance(control, ipywidgets.Checkbox):
        return not control.value
    if isinstance(control, ipywidgets.Dropdown):
        return control.options[(control.index + 1) % len(control.options)]
    return control.max if control.value != control.max else control.min


def main():
    rows = []
    for name in (name for name in widgets.__all__ if name.endswith("Panel")):
        wall, processor = time.perf_counter(), time.process_time()
        panel = getattr(widgets, name)()
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        print(f"{name} made in {wall:.1f} s ({processor:.1f} s of processor time)")
        for part in getattr(panel, "panels", {name: panel}).values():
            for control in part.controls:
                label, before, after = control.description, control.value, new_value(control)
                times = [seconds(control, value) for value in (after, before)]
                rows.append((type(part).__name__, label, *times[0], *times[1]))
    columns = [("first", "wall"), ("first", "CPU"), ("again", "wall"), ("again", "CPU")]
    table = pd.DataFrame(rows, columns=[("", "panel"), ("", "control"), *columns])
    over = table[[column for column in columns if "CPU" in column]].max(axis=1) > GOAL
    table[("", "over")] = np.where(over, f"> {GOAL} s", "")
    table.columns = pd.MultiIndex.from_tuples(table.columns)
    print(f"seconds for each change, torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(table.to_string(index=False, float_format="{:.2f}".format))


if __name__ == "__main__":
    main()
