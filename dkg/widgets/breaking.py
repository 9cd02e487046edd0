"""The panel *Break it*: a victim, and one tab for each attack."""

from typing import Any

import ipywidgets
from matplotlib.figure import Figure

from dkg import plots
from dkg.widgets import attacks
from dkg.widgets.panel import with_static_figure
from dkg.widgets.victim import AttackPanel, Victim


class BreakItPanel(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types.
    """The victim's controls, and one tab for each attack.

    An attack is carried out when its tab is opened.

    Parameters
    ----------
    backdoor_steps : int, default 160
        Steps of the training that plants the backdoor, when its tab is opened.

    Attributes
    ----------
    victim : Victim
        The network and the image that all attacks are on.
    panels : dict of str to Panel
        The attacks by their titles.
    tabs : ipywidgets.Tab
        The row of tabs.
    """

    def __init__(self, backdoor_steps: int = 160):
        self.victim = Victim()
        self.panels: dict[str, AttackPanel] = {
            "Ciphertext alone": attacks.CiphertextAlonePanel(self.victim),
            "Key used twice": attacks.KnownPlaintextPanel(self.victim),
            "Unknown seed": attacks.GuessSeedPanel(self.victim),
            "Approximate seed": attacks.ApproximateSeedPanel(self.victim),
            "Guessed training": attacks.RetrainedPanel(self.victim),
            "Learned prediction": attacks.LearnedPanel(self.victim),
            "Bit-flipping": attacks.MalleabilityPanel(self.victim),
            "Backdoor": attacks.BackdoorPanel(backdoor_steps, self.victim),
        }
        self.tabs = ipywidgets.Tab(list(self.panels.values()), titles=list(self.panels))
        self.tabs.add_class("dkg-tabs")
        self.tabs.selected_index = 0
        self.tabs.observe(self._open, "selected_index")
        for control in self.victim.choices:
            control.observe(self._open, "value")
        controls = ipywidgets.HBox(self.victim.controls, layout={"flex_flow": "row wrap"})
        super().__init__([controls, self.tabs])
        self.add_class(type(self).__name__)
        self._open()

    @property
    def opened(self) -> AttackPanel:
        """The attack whose tab is open."""
        return list(self.panels.values())[self.tabs.selected_index or 0]

    def _open(self, _change: Any = None) -> None:
        self.victim.panel = self.opened
        self.opened.refresh()

    def static_figure(self) -> Figure:
        """Return the pictures of all attacks as a figure, a row for each attack."""
        return plots.image_rows(
            {title: panel.compute().pictures for title, panel in self.panels.items()}
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        # Not of all attacks, which would be carried out for it.
        bundle = super()._repr_mimebundle_(**kwargs)
        return with_static_figure(bundle, self.opened.static_figure())
