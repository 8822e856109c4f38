"""The picture of the page "The chip on a page": docs/chip.png. `python docs/chip_picture.py` draws it.

Sizes and ranges come from the package, so that the picture says what the package keeps to.
"""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from brian2dynapse import facts
from brian2dynapse.configuration import DESTINATIONS_PER_NEURON, LARGEST_HOP, LARGEST_TAG

PICTURE = Path(__file__).parent / "chip.png"
# Okabe and Ito's colours, which the colour-blind tell apart; fills are lighter, so that black text reads well on them.
BLACK, GREEN = "#000000", "#009E73"
LIGHT_BLUE, LIGHT_ORANGE, LIGHT_GREEN, LIGHT_VERMILION = "#AAD9F4", "#F2CF80", "#8FD3BE", "#EEAE80"
WIDTH, HEIGHT = 11.0, 6.6  # inches, and units of the drawing
GREY = "#DDDDDD"


def box(axes, x, y, width, height, text="", color="white", size=8.5, edge=BLACK):
    """A box with its text in the middle."""
    patch = FancyBboxPatch(
        (x, y), width, height, boxstyle="round,pad=0,rounding_size=0.08", facecolor=color, edgecolor=edge, linewidth=1
    )
    axes.add_patch(patch)
    axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=size, linespacing=1.3)


def arrow(axes, begin, end, color=BLACK, style="-|>"):
    """An arrow from one point to another."""
    look = {"arrowstyle": style, "mutation_scale": 11, "color": color, "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0}
    axes.add_patch(FancyArrowPatch(begin, end, **look))


def draw_chip(axes) -> None:
    """Left: cores, parameter generators, router."""
    box(axes, 0.1, 0.35, 4.0, 5.75, color="#F7F7F7")
    axes.text(0.25, 5.85, "one chip", fontsize=11, weight="bold", va="center")
    x_of, y_of = (0.35, 2.3), (4.1, 1.55)
    for core in range(facts.CORES_PER_CHIP):
        x, y = x_of[core % 2], y_of[core // 2]
        box(
            axes,
            x,
            y,
            1.55,
            1.45,
            f"core {core}\n{facts.NEURONS_PER_CORE} neurons\none set of\nbias codes",
            LIGHT_BLUE,
            9,
        )
    for pair, y in zip(("0 and 1", "2 and 3"), (3.6, 1.05), strict=True):
        codes = f"codes: coarse 0..{facts.COARSE_CODES - 1}, fine 0..{facts.FINE_CODES - 1}"
        box(axes, 0.35, y, 3.5, 0.44, f"parameter generator of cores {pair}\n{codes}", LIGHT_ORANGE, 7.8)
    box(axes, 0.35, 3.08, 3.5, 0.44, "router: every event to the cores of its mask", LIGHT_GREEN, 8.5)
    axes.text(
        2.1,
        0.68,
        f"to other chips: {LARGEST_HOP} hops in x and y\ninputs and read-out by the same way",
        ha="center",
        va="center",
        fontsize=8,
    )


def draw_neuron(axes) -> None:
    """Right: one neuron, from the event that arrives to the events that leave."""
    box(axes, 4.5, 0.35, 6.4, 5.75, color="#F7F7F7")
    axes.text(4.65, 5.85, "one neuron", fontsize=11, weight="bold", va="center")
    axes.text(4.65, 5.42, f"event: a tag, 0..{LARGEST_TAG}", fontsize=9, va="center", color=GREEN, weight="bold")
    # CAM words
    box(axes, 4.65, 1.2, 1.95, 3.95, color=GREY, edge="#888888")
    axes.text(
        5.62,
        5.02,
        f"{facts.SYNAPSES_PER_NEURON} CAM words:\nthe synapses",
        ha="center",
        va="top",
        fontsize=9,
        weight="bold",
    )
    fields = ("tag to listen to", "4 weight bits", "dendrite", "2 delay bits", "stp: depression")
    for k, text in enumerate(fields):
        box(axes, 4.78, 4.0 - 0.46 * k, 1.69, 0.4, text, size=8.5)
    axes.text(
        5.62,
        1.95,
        "pulse, delay and the\nfour weight currents\nare bias codes",
        ha="center",
        va="top",
        fontsize=8,
        style="italic",
    )
    arrow(axes, (5.62, 5.3), (5.62, 5.17), GREEN)
    # dendrites
    dendrites = (
        ("AMPA", "adds to the input"),
        ("NMDA", "adds to the input"),
        ("GABA", "subtracts from it"),
        ("shunt", "adds to the leak"),
    )
    for k, (name, acts) in enumerate(dendrites):
        y = 4.2 - 0.9 * k
        box(axes, 7.0, y, 1.45, 0.68, f"{name}\n{acts}", LIGHT_BLUE if k < 2 else LIGHT_VERMILION, 8.5)
        arrow(axes, (6.62, y + 0.34), (6.98, y + 0.34))
        arrow(axes, (8.47, y + 0.34), (8.88, 3.2 - 0.22 * (k - 1.5)))
    axes.text(7.72, 5.02, "4 dendrites (DPIs)", ha="center", va="bottom", fontsize=9, weight="bold")
    # soma
    box(axes, 8.9, 2.45, 1.8, 1.5, "soma (DPI)\nleak, gain, threshold,\nrefractory period", LIGHT_BLUE, 8.5)
    box(axes, 8.9, 4.3, 1.8, 0.62, "DC input\nlatch so_dc", size=8)
    arrow(axes, (9.8, 4.28), (9.8, 3.97))
    box(axes, 7.0, 0.5, 1.45, 0.62, "adaptation, calcium,\nhomeostasis", size=7.5)
    arrow(axes, (9.05, 2.43), (8.47, 0.81), style="<|-|>")
    # destinations
    hops = f"x and y hops\n-{LARGEST_HOP}..{LARGEST_HOP}"
    text = f"{DESTINATIONS_PER_NEURON} destinations (SRAM)\ntag\nmask of {facts.CORES_PER_CHIP} cores\n{hops}"
    box(axes, 9.15, 0.5, 1.6, 1.35, text, GREY, 8.5, edge="#888888")
    arrow(axes, (9.95, 2.43), (9.95, 1.87))
    axes.text(10.02, 2.15, "spike", fontsize=8.5, va="center")


def main() -> None:
    """Draw the picture and write it as PNG."""
    figure = Figure(figsize=(WIDTH, HEIGHT))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(0.1, HEIGHT - 0.3))
    axes.axis("off")
    draw_chip(axes)
    draw_neuron(axes)
    figure.savefig(PICTURE, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()
