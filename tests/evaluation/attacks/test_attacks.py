"""Every attack breaks a cipher that it must break, and AES-CTR as rarely as it says."""

import numpy as np
import pytest
from scipy import stats

from dkg.evaluation.attacks import ATTACKS, SLOW
from dkg.evaluation.attacks.scores import FALSE_ALARMS
from dkg.evaluation.ciphers import CIPHERS

from ..helpers import smooth_images

MUST_BREAK = {
    "averaging": "repeating-xor",
    "principal component": "repeating-xor",
    "histogram": "arnold-cat-map",
    "permutation": "arnold-cat-map",
    "repeated blocks": "aes-256-ecb",
    "key reuse": "logistic-xor",
    "known pair: keystream": "logistic-xor",
    "known pairs: permutation": "row-shuffle",
    "chosen black image": "repeating-xor",
    "chosen numbered bytes": "arnold-cat-map",
    "differential": "aes-256-ecb",
    "affine relation": "fridrich",
    "determinism": "fridrich",
    "game: one ciphertext": "aes-256-ecb",
    "game: chosen plaintexts": "fridrich",
    "bit-flipping": "aes-256-ctr",
    "tampering": "aes-256-ctr",
    "nearby keys": "repeating-xor",
    "key search": "logistic-xor",
}
ACTIVE = {"bit-flipping", "tampering"}
PASSIVE = sorted(ATTACKS.keys() - set(SLOW) - ACTIVE - {"key search"})
RUNS = 30


@pytest.fixture(scope="module")
def images():
    return smooth_images(np.random.default_rng(10), 4)


def test_each_attack_has_a_cipher_to_break():
    assert MUST_BREAK.keys() | set(SLOW) == ATTACKS.keys()


@pytest.mark.parametrize("name, cipher", MUST_BREAK.items())
def test_a_broken_cipher(name, cipher, images):
    outcome = ATTACKS[name].run(CIPHERS[cipher](), images, np.random.default_rng(0))
    assert outcome.succeeded, outcome.sentence
    assert outcome.name == name and outcome.rule and outcome.n >= 1
    for picture in outcome.pictures.values():
        assert picture.dtype == np.uint8 and picture.ndim in (2, 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", PASSIVE)
def test_a_sound_cipher_is_rarely_broken(name):
    """Of 30 runs a sound cipher breaks in more than `most` with a chance below 1 in 1,000."""
    images = smooth_images(np.random.default_rng(11), 2, (24, 20, 3))
    most = stats.binom.isf(0.001, RUNS, FALSE_ALARMS)
    broken = [
        ATTACKS[name].run(CIPHERS["aes-256-ctr"](), images, np.random.default_rng(run)).succeeded
        for run in range(RUNS)
    ]
    assert None not in broken and sum(broken) <= most


@pytest.mark.parametrize("name", sorted(ACTIVE))
def test_an_authenticated_cipher_refuses_changes(name, images):
    outcome = ATTACKS[name].run(CIPHERS["aes-256-gcm"](), images, np.random.default_rng(0))
    assert outcome.succeeded is False and outcome.score == 0


@pytest.mark.parametrize("name", sorted(ATTACKS.keys() - set(SLOW)))
def test_the_same_random_seed_gives_the_same_outcome(name, images):
    def run():
        outcome = ATTACKS[name].run(CIPHERS["fridrich"](), images[:2], np.random.default_rng(3))
        return outcome.sentence, outcome.succeeded

    assert run() == run()


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1, 16), (5, 4, 3), (40, 33), (33, 40, 4), (20, 30, 1)])
@pytest.mark.parametrize("cipher", ["fridrich", "aes-256-gcm", "row-shuffle"])
def test_images_of_any_shape(cipher, shape):
    """An attack on an image that is too small for it says so, and does not raise."""
    images = smooth_images(np.random.default_rng(12), 2, shape)
    for name in sorted(ATTACKS.keys() - set(SLOW)):
        outcome = ATTACKS[name].run(CIPHERS[cipher](), images, np.random.default_rng(0))
        assert outcome.succeeded is not None or outcome.sentence.endswith("."), name


@pytest.mark.slow
def test_one_image_and_images_of_other_shapes():
    rng = np.random.default_rng(13)
    images = [smooth_images(rng, 1, shape)[0] for shape in ((40, 36), (24, 40, 3))]
    for some in (images, images[:1]):
        for name in sorted(ATTACKS.keys() - set(SLOW)):
            outcome = ATTACKS[name].run(CIPHERS["logistic-xor"](), some, rng)
            alone = name in ("key reuse", "known pair: keystream", "known pairs: permutation")
            assert (outcome.succeeded is None) == alone, outcome.sentence
            assert not alone or outcome.sentence == "Needs two images of one shape."


def test_a_cipher_that_breaks_down_is_not_attacked(images):
    """It passed the check, but cannot encrypt what an attack chooses."""

    class NoBlack(CIPHERS["repeating-xor"]):
        def encrypt(self, image, key):
            if not image.any():
                raise ValueError("a black image")
            return super().encrypt(image, key)

    outcome = ATTACKS["chosen black image"].run(NoBlack(), images, np.random.default_rng(0))
    assert outcome.succeeded is None and np.isnan(outcome.score)
    assert "encrypt raised ValueError: a black image" in outcome.sentence


GIVEN = sorted(name for name, attack in ATTACKS.items() if attack.needs != "cipher")


@pytest.mark.parametrize("name", GIVEN)
def test_an_attack_asks_only_for_what_it_says(name, images):
    attack, asked, keys = ATTACKS[name], [], []

    class Watched:
        """It cannot decrypt."""

        cipher = CIPHERS["repeating-xor"]()

        def random_key(self, rng):
            keys.append(self.cipher.random_key(rng))
            return keys[-1]

        def encrypt(self, image, key):
            asked.append(image.tobytes())
            return self.cipher.encrypt(image, key)

    attack.run(Watched(), images, np.random.default_rng(0))
    known = {image.tobytes() for image in images}
    assert asked and set(asked) <= known
    assert len(keys) == (1 if attack.needs == "one key" else len(images))
