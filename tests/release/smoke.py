"""What a user does first, with an installed package and nothing of the repository: run it in an empty folder.

`python smoke.py README.md`: the README's first code block, an f-I curve, a mapping through JSON and back, provenance
and citation, all with warnings as errors. Prints what it found, a line each.
"""

import re
import sys
import tempfile
import warnings
from pathlib import Path

warnings.simplefilter("error")


def main(readme: Path) -> None:
    """Run all steps; the first one that fails ends it with its own error."""
    import matplotlib

    matplotlib.use("Agg")
    first = re.search(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), flags=re.DOTALL).group(1)
    names = {}
    exec(compile(first, "README.md", "exec"), names)
    b2, bd = names["b2"], names["bd"]
    if "site-packages" not in Path(bd.__file__).parts:
        sys.exit(f"brian2dynapse is {bd.__file__}, not the installed one")
    spikes = names["spikes"].num_spikes
    print(f"README: {spikes} spikes of 10 neurons in 0.5 s")
    check(spikes > 0, "the README's neurons are silent")

    biases, chip = bd.Biases(), bd.Chip(seed=42, mismatch=0.2)
    curve = bd.measure.fi_curve(biases, [(2, 40), (2, 120), (2, 200)], chip, neurons=4, duration=200 * b2.ms)
    rates = curve.groupby("fine")["rate_Hz"].mean()
    print(f"f-I curve: {', '.join(f'{rate:.1f} Hz' for rate in rates)}")
    check(rates.is_monotonic_increasing and rates.iloc[-1] > 0, "rates do not rise with the DC code")
    axes = bd.plot.fi_current(curve, matplotlib.pyplot.subplots()[1])

    inputs = b2.SpikeGeneratorGroup(4, [0, 1, 2, 3], [1, 2, 3, 4] * b2.ms, name="inputs")
    pyr = bd.Neurons(4, biases, latches={"so_dc"}, chip=chip, name="cells")
    connection = bd.Connection(inputs, pyr, "nmda", weight="1111", name="to_cells")
    connection.connect(i=[0, 1, 2, 3], j=[0, 1, 2, 3])
    monitor = b2.SpikeMonitor(pyr, name="spikes_cells")
    net = b2.Network(inputs, pyr, connection, monitor)
    mapping = bd.map_network(net)
    with tempfile.TemporaryDirectory() as folder:
        axes.figure.savefig(Path(folder) / "fi.png")
        configuration = bd.Configuration.from_json(mapping.configuration.to_json(Path(folder) / "chip.json"))
    check(configuration == mapping.configuration, "a configuration is another one after JSON")
    net.run(100 * b2.ms)
    back = bd.to_network(configuration, chip=chip)
    back["inputs"].set_spikes([0, 1, 2, 3], [1, 2, 3, 4] * b2.ms)
    back.run(100 * b2.ms)
    counts = back["spikes_cells"].count[:].tolist()
    print(f"mapped, written, read, made again: {monitor.count[:].tolist()} spikes, then {counts}")
    check(monitor.num_spikes > 0 and monitor.count[:].tolist() == counts, "the chip's network fires otherwise")

    check(mapping.provenance["versions"]["brian2dynapse"] == bd.__version__, "provenance has another version")
    check("Livi2009" in bd.citation(net), "the soma is not cited")
    versions = {name: version for name, version in bd.provenance()["versions"].items()}
    print("versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()))


def check(right: bool, wrong: str) -> None:
    if not right:
        sys.exit(f"smoke test: {wrong}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
