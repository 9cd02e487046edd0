"""Multiple-choice questions, as widgets that work without a network connection (ipywidgets 8)."""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ipywidgets


@dataclass(frozen=True)
class Question:
    """A question with one right answer.

    Attributes
    ----------
    text : str
        The question.
    answers : mapping of str to str
        For each answer to choose from, what is to be said about it.
    right : str
        The right one of them.
    """

    text: str
    answers: Mapping[str, str]
    right: str

    def __post_init__(self) -> None:
        if self.right not in self.answers:
            raise ValueError(f"the right answer must be one of the answers, not {self.right!r}")


class QuestionBox(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types.
    """A question, its answers to choose from, a button, and what is said about the choice.

    Attributes
    ----------
    choice : ipywidgets.RadioButtons
        The answers; nothing is chosen at first.
    button : ipywidgets.Button
        Shows what is said about the chosen one.
    feedback : ipywidgets.HTML
        What is said.
    """

    def __init__(self, question: Question):
        self.question = question
        self.choice = ipywidgets.RadioButtons(
            options=list(question.answers), value=None, layout={"width": "max-content"}
        )
        self.button = ipywidgets.Button(description="Check my answer")
        self.feedback = ipywidgets.HTML()
        self.button.on_click(self._check)
        text = ipywidgets.HTML(f"<b>{html.escape(question.text)}</b>")
        super().__init__([text, self.choice, self.button, self.feedback])
        self.add_class(type(self).__name__)  # By it a page finds the question.

    def _check(self, _button: Any) -> None:
        chosen = self.choice.value
        if chosen is None:
            words = "Choose an answer first."
        else:
            word = "Right." if chosen == self.question.right else "No."
            words = f"<b>{word}</b> {html.escape(self.question.answers[chosen])}"
        self.feedback.value = f'<div role="status">{words}</div>'


QUESTIONS: dict[str, Question] = {
    "key_reuse": Question(
        "A third image is encrypted with the same key. What does the attacker need to read it?",
        {
            "The key's seed image": "With the network, that would do; but less is needed.",
            "Nothing more: the XOR with another ciphertext is the image": "The XOR of two "
            "ciphertexts is the XOR of two images. Where one is known, it gives the other.",
            "The same pixels of one of the other images": "Its ciphertext and plaintext give "
            "the key at these pixels.",
        },
        "The same pixels of one of the other images",
    ),
    "known_pair": Question(
        "Would AES-256 in counter mode with one key and one counter for both images stop it?",
        {
            "No: a keystream that is used twice cancels": "How the keystream was made does not "
            "matter. In counter mode, each counter block must be used once per key.",
            "Yes: a known pair does not reveal the key of AES": "True, but it reveals the "
            "keystream, which is all that the attack needs.",
            "Yes: its keystream is uniform": "The attack works for any distribution of the bytes.",
        },
        "No: a keystream that is used twice cancels",
    ),
    "forged_pixels": Question(
        "What lets the receiver notice the forgery?",
        {
            "A larger key space": "The attacker guesses no key.",
            "Keys with an entropy of 8 bits": "The attack works for every key, also a random one.",
            "An authentication tag": "It is computed from the ciphertext and a secret. A "
            "changed ciphertext needs another tag, which the attacker cannot compute.",
        },
        "An authentication tag",
    ),
    "uint8_bug": Question(
        "The routine with the bug gives a UACI of 50 % for two random images. What is that?",
        {
            "The mean of (a - b) mod 256, divided by 255": "For random bytes (a - b) mod 256 "
            "is uniform, with mean 127.5.",
            "Twice the true UACI, rounded": "The true one is 33.46 %, and twice that is not 50 %.",
            "The share of bytes with a > b": "This is also close to 50 %, but the routine "
            "computes a mean of differences.",
        },
        "The mean of (a - b) mod 256, divided by 255",
    ),
    "monobit_and_runs": Question(
        "A sequence passes both tests with P = 0.98. What does that say?",
        {
            "It is random with a probability of 98 %": "A P-value assumes a random source: it "
            "is the probability of a result at least as extreme as this one.",
            "It is safer than one with P = 0.2": "P-values of a good source are uniform between 0 "
            "and 1. How far above 0.01 they lie means nothing.",
            "These two tests find nothing unusual": "The Mersenne Twister passes them too, and "
            "can be predicted.",
        },
        "These two tests find nothing unusual",
    ),
    "perfect_measures": Question(
        "What do perfect entropy, correlation, NPCR and UACI of ciphertexts show?",
        {
            "That the ciphertext looks like random bytes to these measures": "And no more: your "
            "cipher has no key, so anyone can decrypt.",
            "That the key space is large": "There is no key.",
            "That a differential attack fails": "Anyone can decrypt; no attack is needed.",
        },
        "That the ciphertext looks like random bytes to these measures",
    ),
    "guess_the_seed": Question(
        "The paper counts 256 to the power of 196,608 keys. How many does this attack try?",
        {
            "Half of them on average": "That is what a search over all keys would do.",
            "One for each candidate of the seed image": "A seed image determines its key, so "
            "only the number of candidate seed images counts.",
            "One for each pixel": "The attack never guesses a part of the key.",
        },
        "One for each candidate of the seed image",
    ),
    "whose_key": Question(
        "Keys of the Mersenne Twister pass SP 800-22. Why is it not a secure stream cipher?",
        {
            "Its output repeats too early": "The period is 2 to the power of 19937, minus 1.",
            "Its bytes are not equally likely": "They are.",
            "624 outputs give the state, and all outputs after them": "2,496 bytes of "
            "known plaintext suffice to decrypt the rest of the message.",
        },
        "624 outputs give the state, and all outputs after them",
    ),
    "flat_seed": Question(
        "Why does the key of a flat seed image repeat after 4 pixels, and not after 1?",
        {
            "The images are in blocks of 4 x 4": "The generator does not process images in blocks.",
            "Two upsamplings by 2: a pixel's place modulo 4 decides which weights make it": "These "
            "are the upsampling phases. All else is equal at every place.",
            "XOR works on 4 bits": "XOR works on each bit alone.",
        },
        "Two upsamplings by 2: a pixel's place modulo 4 decides which weights make it",
    ),
    "imitator": Question(
        "The imitator's keys are wrong in a third of their bits. Is the image safe?",
        {
            "Yes: a third of the bits is far too many": "The highest bits of many pixels are "
            "right, which is enough to recognise a picture.",
            "No: two thirds of the bits show the image": "An average over neighbouring "
            "pixels removes much of the noise.",
            "Yes, as long as the victim's weights are secret": "The imitator never saw them.",
        },
        "No: two thirds of the bits show the image",
    ),
    "learned_inversion": Question(
        "Why is AES part of the check?",
        {
            "It is the fastest cipher": "Speed does not matter here.",
            "If a model 'decrypts' AES, it does not use the ciphertext": "AES is the control: "
            "what a model finds there comes from elsewhere, such as the average image.",
            "It shows how well the model can work": "No model is known to invert AES.",
        },
        "If a model 'decrypts' AES, it does not use the ciphertext",
    ),
    "own_domain": Question(
        "The domain is perfect. Are the keys of a network trained on it perfect too?",
        {
            "No: the network imitates only what the discriminator sees of it": "Whatever the "
            "domain, the network is a continuous function of its seed image.",
            "Yes: the network learns the domain's cipher": "It learns to make images that a "
            "small discriminator takes for the domain's. It does not compute AES.",
            "Yes, if it is trained for long enough": "More steps do not turn convolutions into a "
            "cipher.",
        },
        "No: the network imitates only what the discriminator sees of it",
    ),
}
"""A question for each exercise, by its name."""
