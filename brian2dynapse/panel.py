"""`bias_panel`: the codes of a core as sliders in a notebook."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable
from types import SimpleNamespace

from . import facts
from .biases import Biases
from .errors import DynapseError

# What stands beside a bias that changes no result of a simulation.
_MARKS = {"modelled": "", "not modelled": "not modelled: changes nothing", "digital": "digital: changes nothing"}


def bias_panel(
    biases: Biases, on_change: Callable[[Biases, str], None] | None = None, names: Iterable[str] | None = None
) -> BiasPanel:
    """Sliders for the codes of a core, in a Jupyter notebook.

    Parameters
    ----------
    biases : Biases
        Its codes are changed as the sliders move; groups that were made with it follow.
    on_change : callable, optional
        Called as ``on_change(biases, name)`` after a code has changed by a slider: run the network, plot.
    names : iterable of str, optional
        Biases to show, in this order. By default all of a core, by circuit, with a field to search for them.

    Returns
    -------
    BiasPanel
        Shows itself at the end of a cell.

    Raises
    ------
    DynapseError
        If ipywidgets is not installed, or an argument is of a wrong kind.
    UnknownNameError
        For a name that is no bias of a core.

    Notes
    -----
    A code that a group refuses (for example a delay of seconds) is told below the sliders, which go back. Codes that
    change elsewhere move the sliders.
    """
    if not isinstance(biases, Biases):
        raise DynapseError(f"biases is {type(biases).__name__}; give a brian2dynapse.Biases")
    if on_change is not None and not callable(on_change):
        raise DynapseError(f"on_change is {on_change!r}; give a function of (biases, name)")
    if names is not None and (isinstance(names, str) or not isinstance(names, Iterable)):
        raise DynapseError(f"names is {names!r}; give a list of biases, such as ['SOIF_LEAK_N']")
    names = None if names is None else list(dict.fromkeys(names))
    for name in names or ():
        biases[name]  # an unknown name is refused with those that are near
    try:
        import ipywidgets
    except ImportError:
        raise DynapseError(
            "bias_panel needs the package ipywidgets; install it: pip install 'brian2dynapse[notebook]'"
        ) from None
    return BiasPanel(ipywidgets, biases, on_change, names)


class BiasPanel:
    """Sliders of biases; made by `bias_panel`.

    Attributes
    ----------
    widget : ipywidgets.VBox
        All of it.
    rows : dict of str to SimpleNamespace
        By bias: its widgets coarse, fine, current, and the row they are in.
    search : ipywidgets.Text
        Shows only biases with this text in name or role; not shown where names were given.
    message : ipywidgets.HTML
        The last error; empty without.
    """

    def __init__(self, ipywidgets, biases: Biases, on_change, names: list[str] | None):
        self.name = "bias_panel"  # `Biases` tells its listeners of changes in the order of their names
        self._widgets, self._biases, self._on_change = ipywidgets, biases, on_change
        self._following = False
        self.rows = {name: self._row(name) for name in (list(biases) if names is None else names)}
        self.message = ipywidgets.HTML()
        self.search = ipywidgets.Text(placeholder="search: tau, AMPA, SOIF_LEAK_N ...", continuous_update=True)
        if names is None:
            self._blocks = ipywidgets.Accordion()
            self.search.observe(lambda _: self._show_matches(), names="value")
            self._show_matches()
            parts = [self.search, self._blocks, self.message]
        else:
            parts = [*(row.box for row in self.rows.values()), self.message]
        self.widget = ipywidgets.VBox(parts)
        biases.subscribe(self)

    def biases_changed(self, names: Iterable[str]) -> None:
        """Let sliders show changed codes; called by `Biases`."""
        self._following = True
        try:
            for name in names:
                if name in self.rows:
                    self._follow(name)
        finally:
            self._following = False

    def _row(self, name: str) -> SimpleNamespace:
        """The widgets of a bias."""
        widgets, bias, code = self._widgets, facts.bias(name), self._biases[name]
        sliders = {
            part: widgets.IntSlider(
                value=getattr(code, part), min=0, max=size - 1, description=part, continuous_update=False, layout=layout
            )
            for part, size, layout in (
                ("coarse", facts.COARSE_CODES, {"width": "220px"}),
                ("fine", facts.FINE_CODES, {"width": "340px"}),
            )
        }
        row = SimpleNamespace(
            **sliders, current=widgets.Label(layout={"width": "90px"}), mark=widgets.Label(_MARKS[bias.effect])
        )
        title = widgets.HTML(
            f'<span title="{html.escape(bias.role, quote=True)}">{html.escape(name)}</span>', layout={"width": "130px"}
        )
        row.box = widgets.HBox([title, row.coarse, row.fine, row.current, row.mark])
        row.current.value = self._current(name)
        for slider in sliders.values():
            slider.observe(lambda _, name=name: self._moved(name), names="value")
        return row

    def _current(self, name: str) -> str:
        return self._biases.current(name).in_best_unit(precision=4)

    def _follow(self, name: str) -> None:
        row, code = self.rows[name], self._biases[name]
        row.coarse.value, row.fine.value = code
        row.current.value = self._current(name)

    def _moved(self, name: str) -> None:
        """Take the code of the sliders over."""
        if self._following:
            return
        row = self.rows[name]
        self.message.value = ""
        try:
            self._biases[name] = (row.coarse.value, row.fine.value)
        except Exception as error:  # whatever a group refuses with: nothing has changed, and the user should see why
            self._tell(error)
            self.biases_changed([name])
            return
        if self._on_change is not None:
            try:
                self._on_change(self._biases, name)
            except Exception as error:  # a notebook shows no error of a slider's callback
                self._tell(error)
                raise

    def _tell(self, error: Exception) -> None:
        self.message.value = f'<p style="color: #D55E00">{html.escape(f"{type(error).__name__}: {error}")}</p>'

    def _show_matches(self) -> None:
        """The biases that match the search, by circuit."""
        wanted, blocks = self.search.value.strip().lower(), {}
        for name, row in self.rows.items():
            bias = facts.bias(name)
            if wanted in f"{name} {bias.role} {bias.block}".lower():
                blocks.setdefault(bias.block, []).append(row.box)
        self._blocks.children = [self._widgets.VBox(boxes) for boxes in blocks.values()]
        self._blocks.titles = [f"{block} ({len(boxes)})" for block, boxes in blocks.items()]
        self._blocks.selected_index = 0 if wanted and blocks else None

    def _repr_mimebundle_(self, **kwds):
        return self.widget._repr_mimebundle_(**kwds)

    def __repr__(self) -> str:
        return f"<BiasPanel of {len(self.rows)} biases; a notebook shows sliders>"
