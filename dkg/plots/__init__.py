"""One function per figure; each returns a matplotlib `Figure` and shows nothing by itself."""

from dkg.plots.architecture import architecture
from dkg.plots.attacks import changed_pixels, leak_by_block_side, npcr_and_uaci
from dkg.plots.breaking import leak_by_seeds_tried, shares, spectra_and_correlations
from dkg.plots.ciphertexts import adjacent_scatter, edges_by_blur, plain_and_cipher_histograms
from dkg.plots.comparisons import paper_and_ours
from dkg.plots.diagrams import (
    application_scenario,
    encryption_system,
    hospital_workflow,
    key_generation_steps,
)
from dkg.plots.domains import entropy_strip, logistic_orbits
from dkg.plots.hospital import step_times
from dkg.plots.images import image_grid, image_histograms, image_rows
from dkg.plots.imitation import decryption_matrix, leak_of_keys
from dkg.plots.key_generators import beside_paper, histogram_grid, pass_rates
from dkg.plots.keys import keys_of_trainings, sensitivity_curves
from dkg.plots.lightweight import cost_and_quality
from dkg.plots.low_order import distance_from_ideal, scorecard
from dkg.plots.randomness import p_value_heatmap, p_value_histograms
from dkg.plots.sweep import entropy_by_step, measures_by_contrast, sweep_heatmaps
from dkg.plots.training import training_curves

__all__ = [
    "adjacent_scatter",
    "application_scenario",
    "architecture",
    "beside_paper",
    "changed_pixels",
    "cost_and_quality",
    "decryption_matrix",
    "distance_from_ideal",
    "edges_by_blur",
    "encryption_system",
    "entropy_by_step",
    "entropy_strip",
    "histogram_grid",
    "hospital_workflow",
    "image_grid",
    "image_histograms",
    "image_rows",
    "key_generation_steps",
    "keys_of_trainings",
    "leak_by_block_side",
    "leak_by_seeds_tried",
    "leak_of_keys",
    "logistic_orbits",
    "measures_by_contrast",
    "npcr_and_uaci",
    "p_value_heatmap",
    "p_value_histograms",
    "paper_and_ours",
    "pass_rates",
    "plain_and_cipher_histograms",
    "scorecard",
    "sensitivity_curves",
    "shares",
    "spectra_and_correlations",
    "step_times",
    "sweep_heatmaps",
    "training_curves",
]
