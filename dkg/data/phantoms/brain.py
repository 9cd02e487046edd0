"""Phantoms of axial FLAIR slices of brains: tissue classes, bias field and Rician noise."""

import numpy as np
import scipy

from dkg.data.phantoms.fields import SIZE, Field, Rng, noise, ramp, smooth_field


def _lesion(rng: Rng, x: Field, y: Field, gray_matter: Field) -> tuple[Field, Field]:
    """Return what a tumour adds to the FLAIR signal, and the extent of its oedema in [0, 1]."""
    place, size = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(1.0, 2.4)
    u, v = x - 3.6 * np.cos(place), y - 4.6 * np.sin(place)
    shape = np.hypot(u, v * rng.uniform(0.8, 1.2)) / size + 0.2 * noise(rng, 8.0, 8.0)
    # Oedema spreads in white matter and mostly spares the cortex.
    oedema = ramp(rng.uniform(1.2, 1.7) - shape, 0.2) * (1.0 - 0.75 * gray_matter)
    oedema = np.maximum(oedema, ramp(0.9 - shape, 0.08))
    core = ramp(0.75 - shape, 0.08)
    necrosis = ramp(rng.uniform(0.1, 0.5) - shape, 0.1)
    signal = rng.uniform(0.5, 1.3) * oedema - rng.uniform(0.1, 0.4) * core
    return signal - rng.uniform(0.2, 0.9) * necrosis, oedema


def _outline(rng: Rng) -> tuple[Field, Field]:
    """Return the outline of a brain in polar coordinates: 721 angles and their radii in cm."""
    theta = np.linspace(-np.pi, np.pi, 721)
    half_width, half_length = rng.uniform(6.3, 7.1), rng.uniform(8.0, 9.0)
    power = rng.uniform(1.95, 2.2)
    radius = (
        np.abs(np.cos(theta) / half_width) ** power + np.abs(np.sin(theta) / half_length) ** power
    ) ** (-1.0 / power)
    radius = radius * (1.0 + 0.05 * np.sin(theta) - 0.02 * np.cos(2.0 * theta) * np.sin(theta))
    for k in range(2, 16):
        radius = radius + rng.normal(0.0, 0.18 / k) * np.cos(k * theta + rng.uniform(0, 2 * np.pi))
    for pole in (-np.pi / 2, np.pi / 2):
        radius = radius - rng.uniform(0.1, 0.5) * np.exp(-(((theta - pole) / 0.09) ** 2))
    return theta, radius


def _distance_to_sulcus(
    rng: Rng, depth: Field, angle: Field, pixel: tuple[float, float]
) -> tuple[Field, float]:
    """Return the distance to the nearest sulcus in cm, and the height of the slice in [0, 1].

    The sulci are level lines of noise that is stretched along the depth, so that they run inwards
    from the surface, and warped, so that they meander.
    """
    rows = 8.0 * depth + 5.0 * noise(rng, 8.0, 8.0)
    columns = (angle / (2.0 * np.pi) + 0.5) * SIZE + 2.0 * noise(rng, 7.0, 7.0)
    polar = noise(rng, 9.0, rng.uniform(2.0, 2.8))
    folds = scipy.ndimage.map_coordinates(polar, [rows, columns], order=3, mode="grid-wrap")
    steepness = np.hypot(*np.gradient(folds, *pixel))
    to_sulcus = np.abs(folds) / np.maximum(steepness, 0.8)
    height = rng.uniform(0.0, 1.0)
    reach = rng.uniform(1.2, 2.0) + 0.8 * (height > 0.85) + 0.5 * noise(rng, 14.0, 14.0)
    return to_sulcus + 0.7 * np.maximum(depth - reach, 0.0), height


def _deep_structures(rng: Rng, mid: Field, y: Field, height: float) -> tuple[Field, Field, Field]:
    """Return deep gray matter, ventricles and choroid plexus, each in [0, 1].

    The height of the slice decides how much of them is cut.
    """
    wx, wy = np.abs(mid) + 0.1 * noise(rng, 10.0, 10.0), y + 0.2 * noise(rng, 14.0, 14.0)

    def blob(cx: float, cy: float, a: float, b: float, tilt: float) -> Field:
        u, v = wx - cx, wy - cy
        along, across = v * np.cos(tilt) + u * np.sin(tilt), u * np.cos(tilt) - v * np.sin(tilt)
        return ramp(1.0 - np.hypot(along / a, across / b), 0.12)

    deep = ventricle = np.zeros((SIZE, SIZE))
    swelling = rng.uniform(0.7, 1.5)
    if height < 0.7:
        deep = np.maximum(blob(2.6, -0.2, 1.9, 0.75, 0.35), blob(1.0, 1.1, 1.4, 0.85, 0.5))
        deep = 0.8 * np.maximum(deep, blob(1.35, -2.0, 0.9, 0.5, 0.3))
        ventricle = np.maximum(
            blob(0.65, -1.9, 1.3 * swelling, 0.3 * swelling, 0.3),
            blob(2.2, 3.0, 1.4 * swelling, 0.38 * swelling, 0.45),
        )
        ventricle = np.maximum(ventricle, blob(0.0, 0.7, 1.1, 0.16 * swelling, 0.0))
    elif height < 0.85:
        ventricle = blob(1.1, 0.0, 3.2, 0.35 * swelling, rng.uniform(-0.1, 0.25))
    return deep, ventricle, blob(2.2, 2.7, 0.45, 0.15, 0.6) * (height < 0.5)


def flair_slice(rng: Rng) -> Field:
    """Return one skull-stripped axial FLAIR slice, gray values in [0, 1], (SIZE, SIZE)."""
    # Coordinates in cm; the field of view is the bounding box of the outline.
    theta, radius = _outline(rng)
    edge_x, edge_y = radius * np.cos(theta), radius * np.sin(theta)
    steps = (np.arange(SIZE) + 0.5) / SIZE
    x = (edge_x.min() + steps * np.ptp(edge_x))[None, :]
    y = (edge_y.min() + steps * np.ptp(edge_y))[:, None]
    pixel = np.ptp(edge_y) / SIZE, np.ptp(edge_x) / SIZE
    angle = np.arctan2(y, x)
    depth = np.interp(angle, theta, radius) - np.hypot(x, y)

    to_sulcus, height = _distance_to_sulcus(rng, depth, angle, pixel)
    mid = x + 0.12 * noise(rng, 14.0, 14.0)
    to_fissure = np.abs(mid) + 0.6 * np.maximum(2.6 - np.abs(y - 0.3), 0.0)
    to_csf = np.minimum(np.minimum(depth, to_sulcus), to_fissure)
    # Stripping the skull leaves notches where a sulcus or the fissure meets the surface.
    brain = depth > 0.45 * ramp(0.12 - np.minimum(to_sulcus, to_fissure), 0.12)
    csf = ramp(rng.uniform(0.02, 0.09) - to_csf, 0.05)
    gray_matter = ramp(rng.uniform(0.28, 0.38) - to_csf, 0.08)
    deep, ventricle, choroid = _deep_structures(rng, mid, y, height)
    gray_matter = np.maximum(gray_matter, deep)
    halo = scipy.ndimage.gaussian_filter(ventricle, 5.0) * rng.uniform(0.0, 0.7)
    choroid = choroid * rng.uniform(0.0, 1.0)

    # FLAIR signal relative to white matter: gray matter brighter, fluid suppressed.
    gray_signal, fluid = rng.uniform(1.2, 1.4), rng.uniform(0.15, 0.35)
    signal = 1.0 + (gray_signal - 1.0) * gray_matter + halo
    if rng.random() < 0.7:
        lesion, oedema = _lesion(rng, x, y, gray_matter)
        signal = signal + lesion
        csf = csf * (1.0 - 0.8 * oedema)
    signal = signal + (fluid - signal) * np.maximum(csf, ventricle) + 0.9 * choroid
    # Skull stripping is not perfect: arcs of dura and inner skull stay on in some slices.
    residue = ramp(noise(rng, 25.0, 25.0) - rng.uniform(0.3, 2.0), 0.2)
    signal = signal + (0.2 - signal) * residue * ramp(0.32 - depth, 0.04)
    signal = signal + 1.2 * residue * np.exp(-(((depth - 0.1) / 0.07) ** 2))
    return np.where(brain, _scan(rng, signal), 0.0)


def _scan(rng: Rng, signal: Field) -> Field:
    """Scan a signal: bias field, partial volume and noise; gray values in [0, 1]."""
    bias = 1.0 + rng.uniform(0.04, 0.1) * smooth_field(rng, 4)
    signal = scipy.ndimage.gaussian_filter(bias * signal, 0.7)
    # Rician noise: the magnitude of a complex signal with Gaussian noise in both parts.
    texture = 1.0 + 0.03 * noise(rng, 1.5, 1.5) + 0.03 * noise(rng, 6.0, 6.0)
    sigma = rng.uniform(0.03, 0.08)
    real = signal * texture + sigma * noise(rng, 0.6, 0.6)
    magnitude = np.hypot(real, sigma * noise(rng, 0.6, 0.6))
    # White matter gets its share of the gray scale, less where a lesion needs the range above.
    white = min(rng.uniform(0.28, 0.46), 0.97 / np.quantile(magnitude, 0.999))
    gray: Field = np.minimum(white * magnitude, 1.0)
    return gray
