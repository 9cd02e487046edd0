"""Phantoms of postero-anterior chest radiographs: X-ray attenuation, scatter and film."""

import numpy as np
import scipy

from dkg.data.phantoms.fields import SIZE, Field, Rng, chord, ramp, smooth_field


def _veil(image: Field, sigma: float) -> Field:
    """Return the image blurred with a wide Gaussian, computed on a grid four times coarser."""
    coarse = image.reshape(SIZE // 4, 4, SIZE // 4, 4).mean(axis=(1, 3))
    blurred = scipy.ndimage.gaussian_filter(coarse, sigma / 4, mode="nearest")
    return scipy.ndimage.zoom(blurred, 4, order=1)


def _vessels(rng: Rng, hilum: tuple[float, float], side: int) -> Field:
    """Return the blood that a ray meets in branching pulmonary vessels, in cm, (SIZE, SIZE).

    The trees grow from around ``hilum`` (x, y in cm) to one side (-1 or 1) on a grid of 0.14 cm.
    """
    layers = np.zeros((3, SIZE, SIZE))
    for angle in np.linspace(-1.35, 1.25, 9) + rng.normal(0.0, 0.1, 9):
        start = hilum[0] + side * rng.uniform(-0.6, 0.8), hilum[1] + rng.normal(0.0, 1.0)
        stack = [(*start, angle, rng.uniform(0.32, 0.5), 0)]
        while stack:
            x, y, angle, radius, level = stack.pop()
            steps = int(rng.integers(14, 34))
            bend = rng.normal(0.0, 0.012, steps).cumsum()
            angles = angle + bend
            xs = x + side * 0.12 * np.cos(angles).cumsum()
            ys = y + 0.12 * np.sin(angles).cumsum()
            columns = np.rint(xs / 0.14 + SIZE / 2).astype(int)
            rows = np.rint(ys / 0.14).astype(int)
            inside = (columns >= 0) & (columns < SIZE) & (rows >= 0) & (rows < SIZE)
            layer = 0 if radius > 0.28 else 1 if radius > 0.16 else 2
            # The cross-section, pi r**2, over 0.14 cm a pixel and 0.86 steps a pixel is 26 r**2.
            np.add.at(layers[layer], (rows[inside], columns[inside]), 26.0 * radius**2)
            if level < 4:
                split = rng.uniform(0.2, 0.5, 2)
                stack.append((xs[-1], ys[-1], angles[-1] + split[0], radius * 0.8, level + 1))
                stack.append((xs[-1], ys[-1], angles[-1] - split[1], radius * 0.76, level + 1))
    for layer, width in enumerate((1.7, 1.2, 0.8)):
        layers[layer] = scipy.ndimage.gaussian_filter(layers[layer], width)
    blood: Field = layers.sum(axis=0)
    return blood


def _bone(rng: Rng, x: Field, y: Field, reach: float) -> Field:
    """Return what bone adds to the attenuation, (SIZE, SIZE), at the coordinates x and y in cm."""
    ax = np.abs(x)
    bone = np.zeros((SIZE, SIZE))
    level, steep = rng.uniform(4.3, 5.2), rng.uniform(0.85, 1.2)
    pitch, strength = rng.uniform(2.05, 2.3), rng.uniform(0.8, 1.25)
    widths = reach / 13.2 * np.array([7, 10, 11.6, 12.6, 13.1, 13.5, 13.7, 13.8, 13.6, 13, 12])
    # A rib is an inclined ring: its projection is an ellipse, upper half behind, lower in front.
    for k, width in enumerate(widths):
        back = steep * (2.2 + 0.28 * k)
        front = steep * (2.8 + 0.52 * k)
        yy = y - (level + pitch * k + back)
        height = np.where(yy < 0.0, back, front)
        ring = np.sqrt((x / width) ** 2 + (yy / height) ** 2) + 1e-9
        slope = np.sqrt((x / width**2) ** 2 + (yy / height**2) ** 2) + 1e-9
        distance = (ring - 1.0) * ring / slope
        radius = 0.52 + 0.12 * (yy > 0.0) * (ax < 0.9 * width)
        # Dense cortex around a lighter core; the beam grazes the ring at its outer edge.
        shell = chord(np.minimum(np.abs(distance) / radius, 1.0)) - 0.55 * chord(
            np.minimum(np.abs(distance) / (0.72 * radius), 1.0)
        )
        grazing = 1.0 + 0.9 * np.minimum(ax / width, 1.0) ** 8
        cartilage = 1.0 if k < 9 else 0.0
        visible = np.where(yy < 0.0, 1.0, cartilage * 0.8 * ramp(ax - 0.55 * width, 0.7))
        bone += 1.75 * shell * grazing * visible
    clavicle_y = rng.uniform(6.0, 7.4) - 0.17 * (ax - 2.0) + 0.55 * np.sin((ax - 2.0) / 1.9)
    across = np.minimum(np.abs(y - clavicle_y) * 0.93 / (0.62 + 0.03 * np.abs(ax - 6.0)), 1.0)
    clavicle = 3.0 * chord(across) - 1.4 * chord(np.minimum(across * 1.35, 1.0))
    bone += clavicle * (ramp(ax - 1.9, 0.3) * ramp(15.0 - ax, 0.4))
    humerus = chord((ax - 18.0) / 2.6, (y - 7.5) / 2.6)
    shaft = chord(np.minimum((ax - 18.6 - 0.12 * (y - 9.0)) / 1.4, 1.0), 0.0) * ramp(y - 9.0, 1.0)
    plate = ramp(1.0 - ((ax - 14.2) / 2.6) ** 2 - ((y - 12.0) / 5.5) ** 2, 0.12)
    bone += 2.6 * humerus + 1.8 * shaft + 0.8 * plate
    phase = (y - level) / pitch * 2 * np.pi
    bodies = 0.85 + 0.15 * np.tanh(2.5 * np.cos(phase))
    waist = 1.65 + 0.03 * (y - 12.0) + 0.16 * np.cos(phase)
    column = chord(np.clip(x / waist, -1.0, 1.0) ** 2, 0.0)
    pedicles = chord(np.minimum((ax - 1.15) / 0.38, 1.0), np.sin(phase / 2 + 0.5) / 0.6)
    spinous = chord(np.minimum(ax / 0.35, 1.0), np.sin(phase / 2 + 1.6) / 0.5)
    bone += 2.1 * column * bodies + 0.7 * pedicles + 0.6 * spinous
    return 0.24 * strength * bone


def _disease(rng: Rng, x: Field, y: Field) -> Field | float:
    """Return a nodule, an infiltrate or, in most patients, nothing: extra path length in cm."""
    side = float(rng.choice([-1.0, 1.0]))
    px, py = side * rng.uniform(5.5, 9.5), rng.uniform(9.0, 20.0)
    finding = rng.random()
    if finding < 0.15:
        r = rng.uniform(0.7, 1.5)
        return 1.6 * r * chord((x - px) / r, (y - py) / r)
    if finding < 0.4:
        spot = np.exp(-(((x - px) / 2.4) ** 2) - ((y - py) / 2.2) ** 2)
        patchy: Field = np.maximum(1.0 + 0.8 * smooth_field(rng, 24), 0.0)
        return 1.8 * spot * patchy
    return 0.0


def film(rng: Rng, attenuation: Field) -> Field:
    """Expose a film behind an attenuating body; gray values in [0, 1], (SIZE, SIZE)."""
    primary = np.exp(-attenuation)
    # Scattered radiation adds a veil.
    exposure = primary + rng.uniform(0.07, 0.15) * _veil(primary, 26.0)
    # Quantum noise: the photon count falls with the exposure, so dense regions are noisier.
    photons = rng.uniform(1e4, 4e4)
    counts = exposure * photons
    counts = counts + np.sqrt(counts) * rng.standard_normal((SIZE, SIZE))
    exposure = scipy.ndimage.gaussian_filter(np.maximum(counts, 1.0) / photons, 0.55)
    # The characteristic curve of film: density is a sigmoid of the logarithm of the exposure.
    log_exposure = np.log(exposure)
    speed = np.median(log_exposure[32:224, 32:224]) + rng.normal(0.0, 0.12)
    contrast = rng.uniform(1.9, 2.5)
    density = 1.0 / (1.0 + np.exp(-contrast * (log_exposure - speed)))
    # Film grain grows with density, so that even the blackest film is never flat.
    grain = 0.007 * np.sqrt(0.2 + density) * rng.standard_normal((SIZE, SIZE))
    gray: Field = np.clip(0.03 + 0.95 * (1.0 - density) + grain, 0.0, 1.0)
    return gray


def _soft_tissue(rng: Rng, x: Field, y: Field) -> tuple[Field, float]:
    """Return the path through trunk, shoulders and neck in cm, and half the depth of the trunk."""
    ax = np.abs(x)
    half_width, half_depth = rng.uniform(18.0, 21.5), rng.uniform(9.2, 11.5)
    shoulder_line = rng.uniform(-4.0, -2.0) + 0.021 * x * x
    trunk = 2 * half_depth * chord(np.minimum((ax / half_width) ** 2.8, 1.0))
    trunk = trunk * np.sqrt(np.clip((y - shoulder_line) / 5.0, 0.0, 1.0))
    shoulder = 12.5 * chord((ax - 17.0) / 10.0, (y - 10.5) / 8.5)
    neck = 17.0 * chord(np.minimum((ax / (6.8 + 0.25 * np.maximum(y, 0.0))) ** 1.5, 1.0))
    neck = neck * ramp(9.0 - y, 5.0)
    body = (trunk**4 + shoulder**4 + neck**4) ** 0.25
    uneven = 0.8 * smooth_field(rng, 5) * ramp(body - 2.0, 2.0)
    body = scipy.ndimage.gaussian_filter(body, 1.5) + uneven
    gas_x, gas_y, gas = rng.uniform(5.0, 8.0), rng.uniform(29.0, 31.0), rng.uniform(0.0, 5.0)
    body = body - gas * chord((x - gas_x) / 2.4, (y - gas_y) / 1.6)
    if rng.random() < 0.35:
        size = rng.uniform(4.5, 6.0)
        body = body + rng.uniform(1.5, 3.5) * chord((ax - 7.5) / size, (y - 23.0) / (0.9 * size))
    return body, half_depth


def _lungs(rng: Rng, x: Field, y: Field, half_depth: float) -> tuple[Field, float]:
    """Return the path through the lungs in cm, and the half-width of the thoracic cavity.

    The cavity is an ellipsoid, cut off by the diaphragm and by the heart and the great vessels.
    """
    ax = np.abs(x)
    reach, apex = rng.uniform(12.6, 13.8), rng.uniform(3.2, 4.4)
    rise = np.minimum((y - 22.0) / (22.0 - apex), 0.0)
    cavity = 2 * (half_depth - 1.5) * chord(ax / reach, np.abs(rise) ** 1.35)
    dome_right, dome_left = 26.0 + rng.normal(0.0, 1.2), 27.2 + rng.normal(0.0, 1.2)
    dome = np.where(x < 0.0, dome_right, dome_left) + 0.075 * (ax - 5.5) ** 2
    lung = cavity * (0.06 + 0.94 * ramp(dome - y, 0.35)) * ramp(35.0 - y, 1.5)
    lung = lung * ramp(ax - 2.0, 1.3)
    heart_size = rng.normal(1.0, 0.08)
    hx, hy = x - 2.6, y - (dome_left - 4.6)
    tilt = rng.uniform(0.35, 0.75)
    long, short = hx * np.cos(tilt) + hy * np.sin(tilt), hy * np.cos(tilt) - hx * np.sin(tilt)
    heart = 13.0 * heart_size * chord(long / (6.7 * heart_size), short / (4.5 * heart_size))
    knob = 8.0 * chord((x - 2.4) / 2.1, (y - 11.3) / 2.2)
    vessels_root = 9.0 * chord((x + 0.1) / 2.9, (y - 15.0) / 9.0)
    aorta = 3.5 * chord(np.minimum((x - 2.0) / 1.5, 1.0), 0.0) * ramp(y - 12.0, 1.5)
    displaced = np.sqrt(heart**2 + knob**2 + vessels_root**2 + aorta**2)
    return scipy.ndimage.gaussian_filter(np.maximum(lung - 1.15 * displaced, 0.0), 0.9), reach


def radiograph(rng: Rng) -> Field:
    """Return one postero-anterior radiograph, gray values in [0, 1], (SIZE, SIZE)."""
    # Coordinates in cm on a 36 cm field, x from the midline to the patient's left, y downwards.
    scale, turn = rng.uniform(0.94, 1.1), rng.normal(0.0, 0.025)
    shift_x, shift_y = rng.normal(0.0, 0.5), rng.normal(0.0, 0.8)
    centre = (np.arange(SIZE) + 0.5) * (36.0 / SIZE) - 18.0
    u, v = (centre[None, :] - shift_x) / scale, (centre[:, None] - shift_y) / scale
    x = np.cos(turn) * u + np.sin(turn) * v + 0.25 * smooth_field(rng, 3)
    y = np.cos(turn) * v - np.sin(turn) * u + 17.0 + 0.3 * smooth_field(rng, 3)

    body, half_depth = _soft_tissue(rng, x, y)
    lung, reach = _lungs(rng, x, y, half_depth)
    airway = 1.7 * chord(np.clip((x + 0.2) / 0.95, -1, 1), 0.0) * ramp(13.0 - y, 0.8)
    hilum_y = rng.uniform(15.2, 16.6)
    vessels = _vessels(rng, (-3.2, hilum_y), -1) + _vessels(rng, (3.2, hilum_y - 0.7), 1)
    texture = scipy.ndimage.gaussian_filter(rng.standard_normal((SIZE, SIZE)), 1.3) * 4.0
    bone = _bone(rng, x, y, reach)
    disease = _disease(rng, x, y)

    # Beer and Lambert: the attenuation is the sum of coefficient times path, here per cm of water.
    soft_path = body - lung * (1.0 - 0.22) - airway
    # Vessels count 1.6 times, so that the thin ones survive at 256 pixels.
    in_lung = np.minimum(lung / 8.0, 1.0)
    soft_path = soft_path + in_lung * (1.6 * vessels + 0.35 * texture + disease)
    return film(rng, 0.175 * np.maximum(soft_path, 0.0) + bone)
