"""Every way to get a cipher wrong has an error of its own; what is allowed is stated."""

import numpy as np
import pytest

from dkg.evaluation import UnusableCipher, body, check, name_of
from dkg.evaluation.protocol import decrypted, encrypted

from .helpers import Xor, smooth_images


@pytest.fixture
def image():
    return smooth_images(np.random.default_rng(1), 1, (20, 12, 3))[0]


def test_a_right_cipher(image):
    checked = check(Xor(), [image, image[..., 0], image[:7]])
    assert checked.deterministic and checked.extra_rows == 0 and not checked.has_change_key
    assert checked.statements == (
        "There is no change_key, so that key sensitivity is not measured.",
    )


def test_a_cipher_that_only_some_keys_invert(image):
    class Product(Xor):
        """Every second key is odd, and only odd factors have an inverse modulo 256."""

        drawn = 0

        def random_key(self, rng):
            self.drawn += 1
            return self.drawn

        def encrypt(self, image, key):
            return image * np.uint8(key)

        def decrypt(self, ciphertext, key):
            return ciphertext * np.uint8(pow(key, -1, 256) if key % 2 else 0)

    with pytest.raises(UnusableCipher, match="not invertible"):
        check(Product(), [image])


def in_place(self, image, key):
    image ^= np.uint8(7)
    return image


WRONG = {
    "no method decrypt": {"decrypt": None},
    "encrypt changes the image": {"encrypt": in_place},
    "decrypt changes the ciphertext": {"decrypt": in_place},
    "encrypt must return a NumPy array, not list": {"encrypt": lambda s, i, k: i.tolist()},
    "encrypt must return uint8, not float64": {"encrypt": lambda s, i, k: i / 255},
    "encrypt must return the shape (20, 12, 3), or that with more rows, not (720,)": {
        "encrypt": lambda s, i, k: i.ravel()
    },
    "or that with more rows, not (19, 12, 3)": {"encrypt": lambda s, i, k: i[1:]},
    "encrypt raised ZeroDivisionError: division by zero for an image of shape (20, 12, 3)": {
        "encrypt": lambda s, i, k: 1 / 0
    },
    "decrypt raised KeyError": {"decrypt": lambda s, i, k: {}[i.shape]},
    "decrypt must return the image's shape (20, 12, 3), not (19, 12, 3)": {
        "decrypt": lambda s, i, k: i[1:]
    },
    "not invertible: decrypt(encrypt(image, key), key) differs from the image in 720 of 720": {
        "decrypt": lambda s, i, k: Xor().decrypt(i, k) ^ np.uint8(1)
    },
    "random_key raised TypeError": {"random_key": lambda s: 1},
    "change_key raised AttributeError": {"change_key": lambda s, k, rng: k.flip()},
}


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_cipher(message, image):
    cipher = type("Mine", (Xor,), WRONG[message])()
    with pytest.raises(UnusableCipher) as error:
        check(cipher, [image])
    assert str(error.value).startswith("Mine: ") and message in str(error.value)


def test_change_key_in_place(image):
    class Mine:
        def random_key(self, rng):
            return rng.integers(0, 256, 4, dtype=np.uint8)

        def change_key(self, key, rng):
            key[0] ^= 1
            return key

        def encrypt(self, image, key):
            return image ^ np.resize(key, image.shape)

        decrypt = encrypt

    with pytest.raises(UnusableCipher, match="change_key changes the key that it is given"):
        check(Mine(), [image])


def test_a_class_is_no_cipher(image):
    with pytest.raises(UnusableCipher, match=r"pass an instance of it, Xor\(\)"):
        check(Xor, [image])


class WithNonce(Xor):
    """A nonce of 2 bytes that counts up, in a row after the image; random ones may repeat."""

    def __init__(self):
        self.used = 0

    def encrypt(self, image, key):
        self.used += 1
        nonce = np.frombuffer(self.used.to_bytes(2), np.uint8)
        row = np.zeros((1, *image.shape[1:]), np.uint8)
        row.flat[:2] = nonce
        return np.concatenate([super().encrypt(image, [key, *nonce]), row])

    def decrypt(self, ciphertext, key):
        return super().encrypt(ciphertext[:-1], [key, *ciphertext[-1].flat[:2]])


def test_what_is_stated_and_not_refused(image):
    checked = check(WithNonce(), [image])
    assert not checked.deterministic and checked.extra_rows == 1
    text = " ".join(checked.statements)
    assert "another ciphertext each time" in text
    assert "up to 1 more rows" in text
    assert "another run gives other numbers" in text
    constant = type("Constant", (Xor,), {"random_key": lambda s, rng: 3})()
    assert "Two random keys give the same ciphertext." in check(constant, [image]).statements


def test_a_view_of_the_image_is_copied(image):
    cipher = type("Same", (Xor,), {"encrypt": lambda s, i, k: i})()
    ciphertext = encrypted(cipher, image, 0)
    ciphertext[:] = 0
    assert image.any()


def test_refused_decryptions(image):
    def refusing(self, ciphertext, key):
        raise ValueError("wrong tag")

    assert decrypted(type("A", (Xor,), {"decrypt": refusing})(), image, 0, image) is None
    assert decrypted(Xor(), image[1:], 0, image) is None
    assert decrypted(Xor(), encrypted(Xor(), image, 0), 0, image).tolist() == image.tolist()


@pytest.mark.parametrize(
    "wrong", [np.zeros((3, 3)), np.zeros(9, np.uint8), np.zeros((0, 3), np.uint8), [[1]]]
)
def test_what_is_no_image(wrong):
    with pytest.raises(ValueError, match="an image must"):
        check(Xor(), [wrong])
    with pytest.raises(ValueError, match="at least one image"):
        check(Xor(), [])


def test_names_and_bodies(image):
    assert name_of(Xor()) == "Xor"
    assert name_of(type("A", (Xor,), {"name": "mine"})()) == "mine"
    assert np.array_equal(body(np.concatenate([image, image[:2]]), image), image)
