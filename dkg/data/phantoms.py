"""Synthetic chest X-ray, nerve ultrasound and brain MRI images: the embedded default sets.

Each image is a random patient put through the physics that makes its kind of image: attenuation
along rays and film for X-rays, scatterers seen through a point-spread function for ultrasound,
tissue classes with a bias field and Rician noise for MRI. The parameters are chosen so that the
mean Shannon entropy of 138 images lies within 0.15 bit of the paper's plain images (Tables V to
VII: 7.736, 7.388 and 5.804). They stand in for image sets that cannot be shipped; they are no
models of disease, and nothing clinical follows from them.

Image ``i`` of a kind depends on nothing but the kind and ``i``. It is computed in float64 and
rounded once, so the same versions of NumPy and SciPy give the same bytes on every machine but for
a value that happens to lie within the last bits of a rounding edge.

References
----------
J. T. Bushberg et al., "The Essential Physics of Medical Imaging", 3rd ed., 2011 (projection
radiography, scatter, quantum noise, film).
C. B. Burckhardt, "Speckle in ultrasound B-mode scans", IEEE Trans. Sonics Ultrason. 25(1), 1978.
H. Gudbjartsson and S. Patz, "The Rician distribution of noisy MRI data", Magn. Reson. Med. 34(6),
1995.
"""

from numbers import Integral

import numpy as np
import scipy

SIZE = 256


def _ramp(value, width):
    """Return a smooth step from 0, below ``-width``, to 1, above ``width``."""
    t = np.clip(value / (2.0 * width) + 0.5, 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def _chord(*terms):
    """Return the chord of an ellipsoid relative to its axis: ``sqrt(1 - sum of squares)`` or 0."""
    return np.sqrt(np.maximum(1.0 - sum(term * term for term in terms), 0.0))


def _smooth_field(rng, cells):
    """Return a smooth random field of unit variance, about ``cells`` independent cells a side."""
    coarse = rng.standard_normal((cells + 3, cells + 3))
    field = scipy.ndimage.zoom(coarse, (SIZE + 2 * SIZE // cells) / (cells + 3), order=3)
    low = (field.shape[0] - SIZE) // 2
    field = field[low : low + SIZE, low : low + SIZE]
    return field / field.std()


def _veil(image, sigma):
    """Return the image blurred with a wide Gaussian, computed on a grid four times coarser."""
    coarse = image.reshape(SIZE // 4, 4, SIZE // 4, 4).mean(axis=(1, 3))
    return scipy.ndimage.zoom(
        scipy.ndimage.gaussian_filter(coarse, sigma / 4, mode="nearest"), 4, order=1
    )


def _noise(rng, axial, lateral):
    """Return Gaussian-filtered white noise of unit variance, periodic; widths are in pixels.

    Unlike `_smooth_field` it takes any width in each direction, but its opposite edges agree.
    """
    down, across = np.fft.fftfreq(SIZE), np.fft.rfftfreq(SIZE)
    transfer = np.exp(-2.0 * (np.pi * axial * down[:, None]) ** 2)
    transfer = transfer * np.exp(-2.0 * (np.pi * lateral * across) ** 2)
    spectrum = np.fft.rfft2(rng.standard_normal((SIZE, SIZE)))
    noise = np.fft.irfft2(spectrum * transfer, s=(SIZE, SIZE))
    return noise / noise.std()


def _vessels(rng, hilum, side):
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
    return sum(
        scipy.ndimage.gaussian_filter(m, s) for m, s in zip(layers, (1.7, 1.2, 0.8), strict=True)
    )


def _chest_bone(rng, x, y, reach):
    """Return what bone adds to the attenuation, (SIZE, SIZE), at the coordinates x and y in cm."""
    ax = np.abs(x)
    bone = np.zeros((SIZE, SIZE))
    level, steep = rng.uniform(4.3, 5.2), rng.uniform(0.85, 1.2)
    pitch, strength = rng.uniform(2.05, 2.3), rng.uniform(0.8, 1.25)
    widths = (
        reach / 13.2 * np.array([7.0, 10.0, 11.6, 12.6, 13.1, 13.5, 13.7, 13.8, 13.6, 13.0, 12.0])
    )
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
        shell = _chord(np.minimum(np.abs(distance) / radius, 1.0)) - 0.55 * _chord(
            np.minimum(np.abs(distance) / (0.72 * radius), 1.0)
        )
        grazing = 1.0 + 0.9 * np.minimum(ax / width, 1.0) ** 8
        cartilage = 1.0 if k < 9 else 0.0
        visible = np.where(yy < 0.0, 1.0, cartilage * 0.8 * _ramp(ax - 0.55 * width, 0.7))
        bone += 1.75 * shell * grazing * visible
    clavicle_y = rng.uniform(6.0, 7.4) - 0.17 * (ax - 2.0) + 0.55 * np.sin((ax - 2.0) / 1.9)
    across = np.minimum(np.abs(y - clavicle_y) * 0.93 / (0.62 + 0.03 * np.abs(ax - 6.0)), 1.0)
    bone += (3.0 * _chord(across) - 1.4 * _chord(np.minimum(across * 1.35, 1.0))) * (
        _ramp(ax - 1.9, 0.3) * _ramp(15.0 - ax, 0.4)
    )
    humerus = _chord((ax - 18.0) / 2.6, (y - 7.5) / 2.6)
    shaft = _chord(np.minimum((ax - 18.6 - 0.12 * (y - 9.0)) / 1.4, 1.0), 0.0) * _ramp(y - 9.0, 1.0)
    plate = _ramp(1.0 - ((ax - 14.2) / 2.6) ** 2 - ((y - 12.0) / 5.5) ** 2, 0.12)
    bone += 2.6 * humerus + 1.8 * shaft + 0.8 * plate
    phase = (y - level) / pitch * 2 * np.pi
    bodies = 0.85 + 0.15 * np.tanh(2.5 * np.cos(phase))
    waist = 1.65 + 0.03 * (y - 12.0) + 0.16 * np.cos(phase)
    column = _chord(np.clip(x / waist, -1.0, 1.0) ** 2, 0.0)
    pedicles = _chord(np.minimum((ax - 1.15) / 0.38, 1.0), np.sin(phase / 2 + 0.5) / 0.6)
    spinous = _chord(np.minimum(ax / 0.35, 1.0), np.sin(phase / 2 + 1.6) / 0.5)
    bone += 2.1 * column * bodies + 0.7 * pedicles + 0.6 * spinous

    return 0.24 * strength * bone


def _chest_disease(rng, x, y):
    """Return a nodule, an infiltrate or, in most patients, nothing: extra path length in cm."""
    side = rng.choice([-1.0, 1.0])
    px, py = side * rng.uniform(5.5, 9.5), rng.uniform(9.0, 20.0)
    finding = rng.random()
    if finding < 0.15:
        r = rng.uniform(0.7, 1.5)
        return 1.6 * r * _chord((x - px) / r, (y - py) / r)
    if finding < 0.4:
        spot = np.exp(-(((x - px) / 2.4) ** 2) - ((y - py) / 2.2) ** 2)
        return 1.8 * spot * np.maximum(1.0 + 0.8 * _smooth_field(rng, 24), 0.0)
    return 0.0


def _film(rng, attenuation):
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
    return np.clip(0.03 + 0.95 * (1.0 - density) + grain, 0.0, 1.0)


def _chest(rng):
    """Return one postero-anterior radiograph, gray values in [0, 1], (SIZE, SIZE)."""
    # Coordinates in cm on a 36 cm field, x from the midline to the patient's left, y downwards.
    scale, turn = rng.uniform(0.94, 1.1), rng.normal(0.0, 0.025)
    shift_x, shift_y = rng.normal(0.0, 0.5), rng.normal(0.0, 0.8)
    centre = (np.arange(SIZE) + 0.5) * (36.0 / SIZE) - 18.0
    u, v = (centre[None, :] - shift_x) / scale, (centre[:, None] - shift_y) / scale
    x = np.cos(turn) * u + np.sin(turn) * v + 0.25 * _smooth_field(rng, 3)
    y = np.cos(turn) * v - np.sin(turn) * u + 17.0 + 0.3 * _smooth_field(rng, 3)
    ax = np.abs(x)

    # Soft tissue: trunk, shoulders and neck.
    half_width, half_depth = rng.uniform(18.0, 21.5), rng.uniform(9.2, 11.5)
    shoulder_line = rng.uniform(-4.0, -2.0) + 0.021 * x * x
    trunk = 2 * half_depth * _chord(np.minimum((ax / half_width) ** 2.8, 1.0))
    trunk = trunk * np.sqrt(np.clip((y - shoulder_line) / 5.0, 0.0, 1.0))
    shoulder = 12.5 * _chord((ax - 17.0) / 10.0, (y - 10.5) / 8.5)
    neck = 17.0 * _chord(np.minimum((ax / (6.8 + 0.25 * np.maximum(y, 0.0))) ** 1.5, 1.0))
    neck = neck * _ramp(9.0 - y, 5.0)
    body = (trunk**4 + shoulder**4 + neck**4) ** 0.25
    uneven = 0.8 * _smooth_field(rng, 5) * _ramp(body - 2.0, 2.0)
    body = scipy.ndimage.gaussian_filter(body, 1.5) + uneven
    gas_x, gas_y, gas = rng.uniform(5.0, 8.0), rng.uniform(29.0, 31.0), rng.uniform(0.0, 5.0)
    body = body - gas * _chord((x - gas_x) / 2.4, (y - gas_y) / 1.6)
    if rng.random() < 0.35:
        size = rng.uniform(4.5, 6.0)
        body = body + rng.uniform(1.5, 3.5) * _chord((ax - 7.5) / size, (y - 23.0) / (0.9 * size))

    # Lungs: the thoracic cavity is an ellipsoid, cut off by the diaphragm and by what lies between.
    reach, apex = rng.uniform(12.6, 13.8), rng.uniform(3.2, 4.4)
    rise = np.minimum((y - 22.0) / (22.0 - apex), 0.0)
    cavity = 2 * (half_depth - 1.5) * _chord(ax / reach, np.abs(rise) ** 1.35)
    dome_right, dome_left = 26.0 + rng.normal(0.0, 1.2), 27.2 + rng.normal(0.0, 1.2)
    dome = np.where(x < 0.0, dome_right, dome_left) + 0.075 * (ax - 5.5) ** 2
    lung = cavity * (0.06 + 0.94 * _ramp(dome - y, 0.35)) * _ramp(35.0 - y, 1.5)
    lung = lung * _ramp(ax - 2.0, 1.3)
    heart_size = rng.normal(1.0, 0.08)
    hx, hy = x - 2.6, y - (dome_left - 4.6)
    tilt = rng.uniform(0.35, 0.75)
    long, short = hx * np.cos(tilt) + hy * np.sin(tilt), hy * np.cos(tilt) - hx * np.sin(tilt)
    heart = 13.0 * heart_size * _chord(long / (6.7 * heart_size), short / (4.5 * heart_size))
    knob = 8.0 * _chord((x - 2.4) / 2.1, (y - 11.3) / 2.2)
    vessels_root = 9.0 * _chord((x + 0.1) / 2.9, (y - 15.0) / 9.0)
    aorta = 3.5 * _chord(np.minimum((x - 2.0) / 1.5, 1.0), 0.0) * _ramp(y - 12.0, 1.5)
    displaced = np.sqrt(heart**2 + knob**2 + vessels_root**2 + aorta**2)
    lung = scipy.ndimage.gaussian_filter(np.maximum(lung - 1.15 * displaced, 0.0), 0.9)
    airway = 1.7 * _chord(np.clip((x + 0.2) / 0.95, -1, 1), 0.0) * _ramp(13.0 - y, 0.8)
    in_lung = np.minimum(lung / 8.0, 1.0)
    hilum_y = rng.uniform(15.2, 16.6)
    vessels = _vessels(rng, (-3.2, hilum_y), -1) + _vessels(rng, (3.2, hilum_y - 0.7), 1)
    texture = scipy.ndimage.gaussian_filter(rng.standard_normal((SIZE, SIZE)), 1.3) * 4.0

    bone = _chest_bone(rng, x, y, reach)
    disease = _chest_disease(rng, x, y)

    # Beer and Lambert: the attenuation is the sum of coefficient times path, here per cm of water.
    soft_path = body - lung * (1.0 - 0.22) - airway
    # Vessels count 1.6 times, so that the thin ones survive at 256 pixels.
    soft_path = soft_path + in_lung * (1.6 * vessels + 0.35 * texture + disease)
    attenuation = 0.175 * np.maximum(soft_path, 0.0) + bone
    return _film(rng, attenuation)


def _speckle(rng, amplitude, specular=0.0):
    """Return the echo envelope of random scatterers, before compression.

    Scatterers are much finer than the pulse, so each pixel starts as a circular complex Gaussian:
    the sum of many echoes whose carrier phases are random. The point-spread function is the
    demodulated pulse, Gaussian in depth, and a beam that widens with depth. Without specular
    reflectors and with constant amplitude the envelope is Rayleigh distributed.
    """
    depth = np.linspace(0.0, 1.0, SIZE)[:, None]
    impulse = np.zeros(SIZE)
    impulse[SIZE // 2] = 1.0
    narrow, wide = (scipy.ndimage.gaussian_filter1d(impulse, sigma) for sigma in (1.0, 2.6))
    pulse = scipy.ndimage.gaussian_filter1d(impulse, 0.75)
    beam_energy = (((1.0 - depth) * narrow + depth * wide) ** 2).sum(axis=1, keepdims=True)
    echo = []
    for reflector in (specular, 0.0):
        scatterers = amplitude * rng.standard_normal((SIZE, SIZE))
        scatterers = scipy.ndimage.gaussian_filter1d(scatterers, 0.75, axis=0)
        beams = [scipy.ndimage.gaussian_filter1d(scatterers, s, axis=1) for s in (1.0, 2.6)]
        received = (1.0 - depth) * beams[0] + depth * beams[1]
        echo.append(received / np.sqrt(2.0 * beam_energy * (pulse**2).sum()) + reflector)
    return np.hypot(*echo)


def _neck(rng, x, z):
    """Return the acoustic properties of the side of a neck at lateral position x and depth z in mm.

    Returns echogenicity of the scatterers in dB, strength of the mirror-like interfaces relative
    to scatterers of 0 dB, and absorption in dB per mm; each of shape (SIZE, SIZE).
    """
    # Layers lie at constant values of zz: depth, bent by the neck's anatomy.
    bend = 1.1 * _smooth_field(rng, 4) + 0.5 * _noise(rng, 30.0, 22.0)
    zz = z + bend * np.clip(z / 8.0, 0.15, 1.0)
    slope = np.gradient(zz, axis=1) / np.gradient(x, axis=1)
    facing = np.exp(-((slope / 0.4) ** 2))

    fat_end = rng.uniform(3.0, 4.5)
    muscle_end = fat_end + rng.uniform(3.5, 6.5)
    floor = rng.uniform(27.0, 32.0)
    rows = np.clip(zz / z[-1, 0] * SIZE, 0.0, SIZE - 1.0)
    columns = np.broadcast_to(np.arange(SIZE, dtype=float), (SIZE, SIZE))

    def along_layers(field):
        return scipy.ndimage.map_coordinates(field, [rows, columns], order=1, mode="wrap")

    fibres, strands = along_layers(_noise(rng, 2.0, 22.0)), along_layers(_noise(rng, 3.2, 13.0))
    patchy = _noise(rng, 12.0, 18.0)

    # Skin, fat, muscle, the space with the nerves, and what lies below the deep fascia.
    texture = 2.0 * _noise(rng, 2.0, 4.0) + 2.5 * patchy
    echo = np.select(
        [zz < 1.4, zz < fat_end, zz < muscle_end, zz < floor],
        [2.0 + texture, -11.0 + 3.0 * fibres, -12.0 + 4.0 * fibres, -4.0 + texture],
        -6.0 + 1.2 * texture,
    )
    deep = _ramp(zz - muscle_end, 0.5) * _ramp(floor - zz, 0.5)
    echo = echo + deep * (4.0 * strands + 4.0 * _noise(rng, 8.0, 12.0))
    absorption = np.select([zz < fat_end, zz < muscle_end, zz < floor], [0.8, 1.1, 1.0], 1.3)
    mirror = np.zeros((SIZE, SIZE))

    def interface(offset, thickness, strength, gaps):
        return strength * np.exp(-((offset / thickness) ** 2)) * _ramp(gaps, 1.2)

    for level, thickness, strength in (
        (0.5, 0.2, 3.0),
        (1.4, 0.22, 3.5),
        (fat_end, 0.25, 5.0),
        (muscle_end, 0.4, 8.0),
        (floor, 0.6, 5.0),
    ):
        gaps = _noise(rng, 20.0, 20.0) + 1.0
        mirror += interface(zz - level - 0.25 * patchy, thickness, strength, gaps)
    septa = _ramp(strands - 1.5, 0.6) * (zz > 1.6)
    echo = echo + septa * np.where(zz < muscle_end, 12.0, 10.0 * deep)

    # Muscle bellies, a vessel and a cluster of nerve roots in the interscalene region.
    wobble = 0.13 * _noise(rng, 13.0, 13.0)

    def ring(cx, cy, a, b, tilt):
        u, v = x - cx, z - cy
        along, across = u * np.cos(tilt) + v * np.sin(tilt), v * np.cos(tilt) - u * np.sin(tilt)
        r = np.hypot(along / a, across / b) + wobble
        down, sideways = np.gradient(r)
        return r, down**2 / (down**2 + 0.3 * sideways**2 + 1e-12)

    for _ in range(3):
        a, b = rng.uniform(5.0, 9.0), rng.uniform(2.0, 4.0)
        r, up = ring(
            rng.uniform(2, 43), rng.uniform(muscle_end + 4, 27), a, b, rng.normal(0.0, 0.35)
        )
        inside = _ramp(1.0 - r, 0.12)
        echo += inside * (-11.0 + 3.0 * fibres - echo)
        mirror = mirror * (1.0 - 0.7 * inside) + up * interface((r - 1.0) * b, 0.25, 3.0, patchy)
    vessel_x = rng.choice([rng.uniform(3.0, 10.0), rng.uniform(34.0, 42.0)])
    a = rng.uniform(2.5, 4.5)
    r, up = ring(
        vessel_x, rng.uniform(15.0, 23.0), a, a * rng.uniform(0.7, 1.0), rng.normal(0.0, 0.4)
    )
    lumen = _ramp(1.0 - r, 0.08)
    echo += lumen * (-26.0 - echo)
    mirror = mirror * (1.0 - lumen) + up * interface((r - 1.06) * a, 0.25, 4.0, patchy + 0.8)
    absorption = absorption * (1.0 - 0.8 * lumen)
    cx, cy = rng.uniform(17.0, 29.0), rng.uniform(muscle_end + 3.0, 15.0)
    for _ in range(int(rng.integers(2, 5))):
        a = rng.uniform(1.5, 3.0)
        r, up = ring(cx, cy, a, a * rng.uniform(0.65, 1.0), rng.normal(0.0, 0.5))
        inside = _ramp(1.0 - r, 0.1)
        honeycomb = np.cos(7.0 * (x - cx) / a) * np.cos(7.0 * (z - cy) / a + 0.6)
        echo += inside * (-9.0 + 6.0 * honeycomb - echo)
        echo += 7.0 * np.exp(-(((r - 1.2) / 0.2) ** 2))
        mirror = mirror * (1.0 - inside) + up * interface((r - 1.1) * a, 0.3, 5.0, patchy + 0.6)
        cx, cy = cx + rng.normal(0.0, 2.2), cy + 2.0 * a * rng.uniform(0.8, 1.1)
    # The deep fascia lets little through where it is thick.
    absorption = absorption + 4.0 * np.exp(-(((zz - floor) / 0.7) ** 2)) * _ramp(patchy, 1.5)
    mirror = facing * scipy.ndimage.gaussian_filter(mirror, (0.5, 1.5))
    return echo, mirror * np.exp(0.4 * _noise(rng, 0.8, 3.0)), absorption


def _ultrasound(rng):
    """Return one B-mode image of a brachial plexus, gray values in [0, 1], (SIZE, SIZE)."""
    depth, width = rng.uniform(34.0, 44.0), 45.0
    steps = (np.arange(SIZE) + 0.5) / SIZE
    x, z = np.meshgrid(width * steps, depth * steps)
    echo, mirror, absorption = _neck(rng, x, z)
    # Time-gain compensation undoes an absorption of 1 dB per mm; what remains are the shadows, the
    # enhancement behind the vessel, a loss in the depth, a wavy gain and dim sides.
    gain = np.cumsum(1.0 - absorption, axis=0) * (depth / SIZE)
    gain = gain - 0.12 * np.maximum(z - 24.0, 0.0) + 1.5 * np.sin(z / rng.uniform(4.0, 6.0))
    gain = gain - 5.0 * np.exp(-np.minimum(x, width - x) / 1.2)
    amplitude, specular = 10.0 ** ((gain + echo) / 20.0), mirror * 10.0 ** (gain / 20.0)
    # Spatial compounding: the mean envelope of three looks with independent speckle.
    envelope = sum(_speckle(rng, amplitude, specular) for _ in range(3)) / 3.0
    electronic_noise = 0.03 * np.hypot(*rng.standard_normal((2, SIZE, SIZE)))
    decibel = 20.0 * np.log10(np.hypot(envelope, electronic_noise))
    dynamic_range, white = rng.uniform(46.0, 54.0), rng.uniform(15.5, 20.0)
    gray = np.clip(1.0 + (decibel - white) / dynamic_range, 0.0, 1.0)
    return gray ** rng.uniform(1.6, 2.0)


def _lesion(rng, x, y, gray_matter):
    """Return what a tumour adds to the FLAIR signal, and the extent of its oedema in [0, 1]."""
    place, size = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(1.0, 2.4)
    u, v = x - 3.6 * np.cos(place), y - 4.6 * np.sin(place)
    shape = np.hypot(u, v * rng.uniform(0.8, 1.2)) / size + 0.2 * _noise(rng, 8.0, 8.0)
    # Oedema spreads in white matter and mostly spares the cortex.
    oedema = _ramp(rng.uniform(1.2, 1.7) - shape, 0.2) * (1.0 - 0.75 * gray_matter)
    oedema = np.maximum(oedema, _ramp(0.9 - shape, 0.08))
    core = _ramp(0.75 - shape, 0.08)
    necrosis = _ramp(rng.uniform(0.1, 0.5) - shape, 0.1)
    signal = rng.uniform(0.5, 1.3) * oedema - rng.uniform(0.1, 0.4) * core
    return signal - rng.uniform(0.2, 0.9) * necrosis, oedema


def _brain(rng):
    """Return one skull-stripped axial FLAIR slice, gray values in [0, 1], (SIZE, SIZE)."""
    # The outline in polar coordinates, in cm; the field of view is its bounding box.
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
    edge_x, edge_y = radius * np.cos(theta), radius * np.sin(theta)
    steps = (np.arange(SIZE) + 0.5) / SIZE
    x = (edge_x.min() + steps * np.ptp(edge_x))[None, :]
    y = (edge_y.min() + steps * np.ptp(edge_y))[:, None]
    pixel = np.ptp(edge_y) / SIZE, np.ptp(edge_x) / SIZE
    angle = np.arctan2(y, x)
    depth = np.interp(angle, theta, radius) - np.hypot(x, y)

    # Folded cortex: the sulci are level lines of noise that is stretched along the depth, so that
    # they run inwards from the surface, and warped, so that they meander.
    rows = 8.0 * depth + 5.0 * _noise(rng, 8.0, 8.0)
    columns = (angle / (2.0 * np.pi) + 0.5) * SIZE + 2.0 * _noise(rng, 7.0, 7.0)
    polar = _noise(rng, 9.0, rng.uniform(2.0, 2.8))
    folds = scipy.ndimage.map_coordinates(polar, [rows, columns], order=3, mode="grid-wrap")
    steepness = np.hypot(*np.gradient(folds, *pixel))
    to_sulcus = np.abs(folds) / np.maximum(steepness, 0.8)
    height = rng.uniform(0.0, 1.0)
    reach = rng.uniform(1.2, 2.0) + 0.8 * (height > 0.85) + 0.5 * _noise(rng, 14.0, 14.0)
    to_sulcus = to_sulcus + 0.7 * np.maximum(depth - reach, 0.0)
    wave = 0.12 * _noise(rng, 14.0, 14.0)
    mid = x + wave
    to_fissure = np.abs(mid) + 0.6 * np.maximum(2.6 - np.abs(y - 0.3), 0.0)
    to_csf = np.minimum(np.minimum(depth, to_sulcus), to_fissure)
    # Stripping the skull leaves notches where a sulcus or the fissure meets the surface.
    brain = depth > 0.45 * _ramp(0.12 - np.minimum(to_sulcus, to_fissure), 0.12)
    width = rng.uniform(0.02, 0.09)
    csf = _ramp(width - to_csf, 0.05)
    gray_matter = _ramp(rng.uniform(0.28, 0.38) - to_csf, 0.08)

    # Deep gray matter and ventricles; the slice's height decides how much of them is cut.
    wx, wy = np.abs(mid) + 0.1 * _noise(rng, 10.0, 10.0), y + 0.2 * _noise(rng, 14.0, 14.0)

    def blob(cx, cy, a, b, tilt):
        u, v = wx - cx, wy - cy
        along, across = v * np.cos(tilt) + u * np.sin(tilt), u * np.cos(tilt) - v * np.sin(tilt)
        return _ramp(1.0 - np.hypot(along / a, across / b), 0.12)

    ventricle = np.zeros((SIZE, SIZE))
    swelling = rng.uniform(0.7, 1.5)
    if height < 0.7:
        deep = np.maximum(blob(2.6, -0.2, 1.9, 0.75, 0.35), blob(1.0, 1.1, 1.4, 0.85, 0.5))
        deep = np.maximum(deep, blob(1.35, -2.0, 0.9, 0.5, 0.3))
        gray_matter = np.maximum(gray_matter, 0.8 * deep)
        ventricle = np.maximum(
            blob(0.65, -1.9, 1.3 * swelling, 0.3 * swelling, 0.3),
            blob(2.2, 3.0, 1.4 * swelling, 0.38 * swelling, 0.45),
        )
        ventricle = np.maximum(ventricle, blob(0.0, 0.7, 1.1, 0.16 * swelling, 0.0))
    elif height < 0.85:
        ventricle = blob(1.1, 0.0, 3.2, 0.35 * swelling, rng.uniform(-0.1, 0.25))
    halo = scipy.ndimage.gaussian_filter(ventricle, 5.0) * rng.uniform(0.0, 0.7)
    choroid = blob(2.2, 2.7, 0.45, 0.15, 0.6) * (height < 0.5) * rng.uniform(0.0, 1.0)

    # FLAIR signal relative to white matter: gray matter brighter, fluid suppressed.
    gray_signal, fluid = rng.uniform(1.2, 1.4), rng.uniform(0.15, 0.35)
    signal = 1.0 + (gray_signal - 1.0) * gray_matter + halo
    if rng.random() < 0.7:
        lesion, oedema = _lesion(rng, x, y, gray_matter)
        signal = signal + lesion
        csf = csf * (1.0 - 0.8 * oedema)
    signal = signal + (fluid - signal) * np.maximum(csf, ventricle) + 0.9 * choroid
    # Skull stripping is not perfect: arcs of dura and inner skull stay on in some slices.
    residue = _ramp(_noise(rng, 25.0, 25.0) - rng.uniform(0.3, 2.0), 0.2)
    signal = signal + (0.2 - signal) * residue * _ramp(0.32 - depth, 0.04)
    signal = signal + 1.2 * residue * np.exp(-(((depth - 0.1) / 0.07) ** 2))

    bias = 1.0 + rng.uniform(0.04, 0.1) * _smooth_field(rng, 4)
    signal = scipy.ndimage.gaussian_filter(bias * signal, 0.7)
    # Rician noise: the magnitude of a complex signal with Gaussian noise in both parts.
    texture = 1.0 + 0.03 * _noise(rng, 1.5, 1.5) + 0.03 * _noise(rng, 6.0, 6.0)
    sigma = rng.uniform(0.03, 0.08)
    real = signal * texture + sigma * _noise(rng, 0.6, 0.6)
    magnitude = np.hypot(real, sigma * _noise(rng, 0.6, 0.6))
    # White matter gets its share of the gray scale, less where a lesion needs the range above.
    white = min(rng.uniform(0.28, 0.46), 0.97 / np.quantile(magnitude, 0.999))
    return np.minimum(white * magnitude, 1.0) * brain


def _images(render, kind, n, start):
    """Return n images from ``start`` on, each rendered from a random stream of its own."""
    for name, value, least in (("n", n, 1), ("start", start, 0)):
        if not isinstance(value, Integral):
            raise TypeError(f"{name} must be an integer, got {value!r}")
        if value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}")
    images = np.empty((n, SIZE, SIZE, 3), dtype=np.uint8)
    for offset, image in enumerate(images):
        gray = render(np.random.default_rng([kind, int(start) + offset]))
        image[:] = np.rint(255.0 * gray)[:, :, np.newaxis]
    return images


def chest_xray(n, start=0):
    """Make postero-anterior chest radiographs, as of the Montgomery and Shenzhen sets.

    X-rays are attenuated along straight rays through ellipsoids and tubes (trunk, lungs, heart,
    great vessels, trachea, spine, ribs, clavicles, shoulders, stomach gas; in some patients a
    nodule or an infiltrate), scattered, counted with quantum noise, and turned into film density.
    Body, pose, bone and exposure vary from patient to patient.

    Parameters
    ----------
    n : int
        Number of images, at least 1.
    start : int, default 0
        Index of the first image, at least 0. Image ``i`` is the same in every call.

    Returns
    -------
    numpy.ndarray
        uint8, shape (n, 256, 256, 3), three equal channels; bone is bright and air dark.

    Raises
    ------
    TypeError
        If ``n`` or ``start`` is not an integer.
    ValueError
        If ``n < 1`` or ``start < 0``.
    """
    return _images(_chest, 1, n, start)


def nerve_ultrasound(n, start=0):
    """Make B-mode ultrasound images of the brachial plexus, as of the nerve segmentation set.

    Skin, fat, muscle and fascia in bent layers, muscle bellies, a vessel and two to four nerve
    roots; fully developed speckle through a beam that widens with depth, mirror-like interfaces
    that fade where they tilt, absorption with shadows and enhancement, spatial compounding of
    three looks, electronic noise, log compression.

    Parameters
    ----------
    n : int
        Number of images, at least 1.
    start : int, default 0
        Index of the first image, at least 0. Image ``i`` is the same in every call.

    Returns
    -------
    numpy.ndarray
        uint8, shape (n, 256, 256, 3), three equal channels; the skin is at the top.

    Raises
    ------
    TypeError
        If ``n`` or ``start`` is not an integer.
    ValueError
        If ``n < 1`` or ``start < 0``.
    """
    return _images(_ultrasound, 2, n, start)


def brain_mri(n, start=0):
    """Make axial FLAIR slices of brains, as of BraTS18: stripped, cropped to the brain.

    White and folded gray matter, deep nuclei, dark cerebrospinal fluid in sulci and ventricles, in
    most patients a bright lesion with oedema; partial volume, a bias field and Rician noise. As in
    BraTS the skull is stripped, in some slices imperfectly, so that arcs of dura and skull remain.

    Parameters
    ----------
    n : int
        Number of images, at least 1.
    start : int, default 0
        Index of the first image, at least 0. Image ``i`` is the same in every call.

    Returns
    -------
    numpy.ndarray
        uint8, shape (n, 256, 256, 3), three equal channels; the background is 0
        and the frontal pole at the top.

    Raises
    ------
    TypeError
        If ``n`` or ``start`` is not an integer.
    ValueError
        If ``n < 1`` or ``start < 0``.
    """
    return _images(_brain, 3, n, start)
