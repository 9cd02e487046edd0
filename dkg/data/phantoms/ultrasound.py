"""Phantoms of B-mode ultrasound of the brachial plexus: layers of tissue seen through speckle."""

from dataclasses import dataclass

import numpy as np
import scipy

from dkg.data.phantoms.fields import SIZE, Field, Rng, noise, ramp, smooth_field


def speckle(rng: Rng, amplitude: Field, specular: Field | float = 0.0) -> Field:
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
    envelope: Field = np.hypot(*echo)
    return envelope


@dataclass
class _Neck:
    """The side of a neck, each quantity (SIZE, SIZE)."""

    x: Field  # Lateral position in mm.
    z: Field  # Depth in mm.
    fibres: Field  # Random texture along the layers.
    patchy: Field
    wobble: Field  # Random changes of an outline's relative radius.
    echo: Field  # Echogenicity of the scatterers in dB.
    mirror: Field  # Strength of mirror-like interfaces, relative to scatterers of 0 dB.
    absorption: Field  # In dB per mm.

    def ring(self, cx: float, cy: float, a: float, b: float, tilt: float) -> tuple[Field, Field]:
        """Return the radius relative to an ellipse, and how much its outline faces the beam."""
        u, v = self.x - cx, self.z - cy
        along, across = u * np.cos(tilt) + v * np.sin(tilt), v * np.cos(tilt) - u * np.sin(tilt)
        r = np.hypot(along / a, across / b) + self.wobble
        down, sideways = np.gradient(r)
        return r, down**2 / (down**2 + 0.3 * sideways**2 + 1e-12)

    def add_muscles(self, rng: Rng, muscle_end: float) -> None:
        """Add three muscle bellies."""
        for _ in range(3):
            a, b = rng.uniform(5.0, 9.0), rng.uniform(2.0, 4.0)
            cx, cy = rng.uniform(2, 43), rng.uniform(muscle_end + 4, 27)
            r, up = self.ring(cx, cy, a, b, rng.normal(0.0, 0.35))
            inside = ramp(1.0 - r, 0.12)
            self.echo += inside * (-11.0 + 3.0 * self.fibres - self.echo)
            fascia = up * _interface((r - 1.0) * b, 0.25, 3.0, self.patchy)
            self.mirror = self.mirror * (1.0 - 0.7 * inside) + fascia

    def add_vessel(self, rng: Rng) -> None:
        """Add a vessel at one side, dark inside, with bright walls and enhancement behind it."""
        cx = rng.choice([rng.uniform(3.0, 10.0), rng.uniform(34.0, 42.0)])
        a = rng.uniform(2.5, 4.5)
        cy, b = rng.uniform(15.0, 23.0), a * rng.uniform(0.7, 1.0)
        r, up = self.ring(cx, cy, a, b, rng.normal(0.0, 0.4))
        lumen = ramp(1.0 - r, 0.08)
        self.echo += lumen * (-26.0 - self.echo)
        wall = up * _interface((r - 1.06) * a, 0.25, 4.0, self.patchy + 0.8)
        self.mirror = self.mirror * (1.0 - lumen) + wall
        self.absorption = self.absorption * (1.0 - 0.8 * lumen)

    def add_nerve_roots(self, rng: Rng, muscle_end: float) -> None:
        """Add two to four nerve roots, one below the other: honeycombs with a bright rim."""
        cx, cy = rng.uniform(17.0, 29.0), rng.uniform(muscle_end + 3.0, 15.0)
        for _ in range(int(rng.integers(2, 5))):
            a = rng.uniform(1.5, 3.0)
            b = a * rng.uniform(0.65, 1.0)
            r, up = self.ring(cx, cy, a, b, rng.normal(0.0, 0.5))
            inside = ramp(1.0 - r, 0.1)
            honeycomb = np.cos(7.0 * (self.x - cx) / a) * np.cos(7.0 * (self.z - cy) / a + 0.6)
            self.echo += inside * (-9.0 + 6.0 * honeycomb - self.echo)
            self.echo += 7.0 * np.exp(-(((r - 1.2) / 0.2) ** 2))
            rim = up * _interface((r - 1.1) * a, 0.3, 5.0, self.patchy + 0.6)
            self.mirror = self.mirror * (1.0 - inside) + rim
            cx, cy = cx + rng.normal(0.0, 2.2), cy + 2.0 * a * rng.uniform(0.8, 1.1)


def _interface(offset: Field, thickness: float, strength: float, gaps: Field) -> Field:
    """Return a mirror-like interface at offset 0, interrupted where ``gaps`` is negative."""
    return strength * np.exp(-((offset / thickness) ** 2)) * ramp(gaps, 1.2)


def _neck(rng: Rng, x: Field, z: Field) -> _Neck:
    """Return a neck at lateral positions x and depths z in mm, each of shape (SIZE, SIZE)."""
    # Layers lie at constant values of zz: depth, bent by the neck's anatomy.
    bend = 1.1 * smooth_field(rng, 4) + 0.5 * noise(rng, 30.0, 22.0)
    zz = z + bend * np.clip(z / 8.0, 0.15, 1.0)
    slope = np.gradient(zz, axis=1) / np.gradient(x, axis=1)
    facing = np.exp(-((slope / 0.4) ** 2))

    fat_end = rng.uniform(3.0, 4.5)
    muscle_end = fat_end + rng.uniform(3.5, 6.5)
    floor = rng.uniform(27.0, 32.0)
    rows = np.clip(zz / z[-1, 0] * SIZE, 0.0, SIZE - 1.0)
    columns = np.broadcast_to(np.arange(SIZE, dtype=float), (SIZE, SIZE))
    fibres, strands = (
        scipy.ndimage.map_coordinates(noise(rng, *widths), [rows, columns], order=1, mode="wrap")
        for widths in ((2.0, 22.0), (3.2, 13.0))
    )
    patchy = noise(rng, 12.0, 18.0)

    # Skin, fat, muscle, the space with the nerves, and what lies below the deep fascia.
    texture = 2.0 * noise(rng, 2.0, 4.0) + 2.5 * patchy
    echo = np.select(
        [zz < 1.4, zz < fat_end, zz < muscle_end, zz < floor],
        [2.0 + texture, -11.0 + 3.0 * fibres, -12.0 + 4.0 * fibres, -4.0 + texture],
        -6.0 + 1.2 * texture,
    )
    deep = ramp(zz - muscle_end, 0.5) * ramp(floor - zz, 0.5)
    echo = echo + deep * (4.0 * strands + 4.0 * noise(rng, 8.0, 12.0))
    absorption = np.select([zz < fat_end, zz < muscle_end, zz < floor], [0.8, 1.1, 1.0], 1.3)
    mirror = np.zeros((SIZE, SIZE))
    for level, thickness, strength in (
        (0.5, 0.2, 3.0),
        (1.4, 0.22, 3.5),
        (fat_end, 0.25, 5.0),
        (muscle_end, 0.4, 8.0),
        (floor, 0.6, 5.0),
    ):
        gaps = noise(rng, 20.0, 20.0) + 1.0
        mirror += _interface(zz - level - 0.25 * patchy, thickness, strength, gaps)
    septa = ramp(strands - 1.5, 0.6) * (zz > 1.6)
    echo = echo + septa * np.where(zz < muscle_end, 12.0, 10.0 * deep)

    wobble = 0.13 * noise(rng, 13.0, 13.0)
    neck = _Neck(x, z, fibres, patchy, wobble, echo, mirror, absorption)
    neck.add_muscles(rng, muscle_end)
    neck.add_vessel(rng)
    neck.add_nerve_roots(rng, muscle_end)
    # The deep fascia lets little through where it is thick.
    fascia = 4.0 * np.exp(-(((zz - floor) / 0.7) ** 2)) * ramp(patchy, 1.5)
    neck.absorption = neck.absorption + fascia
    neck.mirror = facing * scipy.ndimage.gaussian_filter(neck.mirror, (0.5, 1.5))
    neck.mirror = neck.mirror * np.exp(0.4 * noise(rng, 0.8, 3.0))
    return neck


def b_mode(rng: Rng) -> Field:
    """Return one B-mode image of a brachial plexus, gray values in [0, 1], (SIZE, SIZE)."""
    depth, width = rng.uniform(34.0, 44.0), 45.0
    steps = (np.arange(SIZE) + 0.5) / SIZE
    x, z = np.meshgrid(width * steps, depth * steps)
    neck = _neck(rng, x, z)
    # Time-gain compensation undoes an absorption of 1 dB per mm; what remains are the shadows, the
    # enhancement behind the vessel, a loss in the depth, a wavy gain and dim sides.
    gain = np.cumsum(1.0 - neck.absorption, axis=0) * (depth / SIZE)
    gain = gain - 0.12 * np.maximum(z - 24.0, 0.0) + 1.5 * np.sin(z / rng.uniform(4.0, 6.0))
    gain = gain - 5.0 * np.exp(-np.minimum(x, width - x) / 1.2)
    amplitude = 10.0 ** ((gain + neck.echo) / 20.0)
    specular = neck.mirror * 10.0 ** (gain / 20.0)
    # Spatial compounding: the mean envelope of three looks with independent speckle.
    envelope = sum(speckle(rng, amplitude, specular) for _ in range(3)) / 3.0
    electronic_noise = 0.03 * np.hypot(*rng.standard_normal((2, SIZE, SIZE)))
    decibel = 20.0 * np.log10(np.hypot(envelope, electronic_noise))
    dynamic_range, white = rng.uniform(46.0, 54.0), rng.uniform(15.5, 20.0)
    gray: Field = np.clip(1.0 + (decibel - white) / dynamic_range, 0.0, 1.0)
    return gray ** rng.uniform(1.6, 2.0)
