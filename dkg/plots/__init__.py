"""One function per figure.

Every function returns a `matplotlib.figure.Figure`, which its docstring describes, and shows
nothing by itself: a notebook displays the figure that a cell returns. ValueError is raised if
`images` is empty; ``Raises`` sections list only what is added to that.
"""

from dkg.plots.architecture import architecture
from dkg.plots.attacks import (
    changed_pixels,
    decryption_matrix,
    leak_by_block_side,
    leak_by_seeds_tried,
    leak_of_keys,
    npcr_and_uaci,
    recovered_by,
    shares,
    spectra_and_correlations,
)
from dkg.plots.comparisons import paper_and_ours
from dkg.plots.costs import cost_and_quality, step_times
from dkg.plots.diagrams import (
    application_scenario,
    encryption_system,
    hospital_workflow,
    key_generation_steps,
)
from dkg.plots.forensics import (
    distance_by_lag,
    grid_origins,
    hypotheses_and_numbers,
    possible_pairs,
)
from dkg.plots.front_page import front_page
from dkg.plots.images import (
    adjacent_scatter,
    blurred,
    edges_by_blur,
    entropy_strip,
    histogram_grid,
    image_grid,
    image_histograms,
    image_rows,
    logistic_orbits,
    plain_and_cipher_histograms,
    stretched,
)
from dkg.plots.keys import (
    beside_paper,
    distance_from_ideal,
    keys_of_trainings,
    scorecard,
    sensitivity_curves,
)
from dkg.plots.outcomes import beside_chance, cipher_matrix, rank_correlations
from dkg.plots.randomness import (
    bit_spectra,
    p_value_heatmap,
    p_value_histograms,
    pass_rates,
    random_walks,
    shares_beside_expected,
    standard_deviations,
)
from dkg.plots.training import (
    entropy_by_step,
    live_curves,
    measures_by_contrast,
    sweep_heatmaps,
    training_curves,
)

__all__ = [
    "adjacent_scatter",
    "application_scenario",
    "architecture",
    "beside_chance",
    "beside_paper",
    "bit_spectra",
    "blurred",
    "changed_pixels",
    "cipher_matrix",
    "cost_and_quality",
    "decryption_matrix",
    "distance_by_lag",
    "distance_from_ideal",
    "edges_by_blur",
    "encryption_system",
    "entropy_by_step",
    "entropy_strip",
    "front_page",
    "grid_origins",
    "histogram_grid",
    "hospital_workflow",
    "hypotheses_and_numbers",
    "image_grid",
    "image_histograms",
    "image_rows",
    "key_generation_steps",
    "keys_of_trainings",
    "leak_by_block_side",
    "leak_by_seeds_tried",
    "leak_of_keys",
    "live_curves",
    "logistic_orbits",
    "measures_by_contrast",
    "npcr_and_uaci",
    "p_value_heatmap",
    "p_value_histograms",
    "paper_and_ours",
    "pass_rates",
    "plain_and_cipher_histograms",
    "possible_pairs",
    "random_walks",
    "rank_correlations",
    "recovered_by",
    "scorecard",
    "sensitivity_curves",
    "shares",
    "shares_beside_expected",
    "spectra_and_correlations",
    "standard_deviations",
    "step_times",
    "stretched",
    "sweep_heatmaps",
    "training_curves",
]
