"""Citations: all that is used is cited, nothing that is not, and BibTeX reads it."""

import re
from importlib import resources
from pathlib import Path

import brian2 as b2
import pytest
import yaml
from brian2 import Hz, ms
from pybtex.database import parse_string

import brian2dynapse as bd
from brian2dynapse import facts
from brian2dynapse.citations import dois_of_circuit, entries, key_of, title

ROOT = Path(__file__).parents[2]
CITED_ALWAYS = {"brian2dynapse", "Stimberg2019", "Richter2024"}
DATA = ("constants.toml", "biases.csv", "latches.csv")


def keys(obj=None) -> set[str]:
    return set(parse_string(bd.citation(obj), "bibtex").entries)


def reasons(obj) -> dict[str, str]:
    """Key to the line above its entry."""
    return {key: reason for reason, key in re.findall(r"^% (.+)\n@\w+\{(\w+),", bd.citation(obj), re.MULTILINE)}


# -- the entries -------------------------------------------------------------------------------------


def test_every_doi_of_equations_and_facts_has_an_entry():
    files = [*(ROOT / "equations").glob("*.eqs"), *(resources.files("brian2dynapse.data") / name for name in DATA)]
    found = {
        doi.rstrip(".")
        for file in files
        for doi in re.findall(r"doi:(10\.[^\s;,)]+)", file.read_text(encoding="utf-8"))
    }
    assert len(found) > 8
    for doi in found:
        assert key_of(doi) in entries()


def test_every_circuit_with_a_published_source_is_found_by_its_doi():
    for file in (ROOT / "equations").glob("*.eqs"):
        references = re.search(r"^# References: (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE).group(1)
        assert bool(dois_of_circuit(file.stem)) == ("none published" not in references), file.name


def test_entries_parse_and_are_complete():
    parsed = parse_string("\n\n".join(entries().values()), "bibtex").entries
    assert len(parsed) == len(entries())
    for key, entry in parsed.items():
        fields = {name.lower(): text for name, text in entry.fields.items()}
        assert entry.persons["author"], key
        assert {"title", "year"} <= set(fields), key
        if key != "brian2dynapse":
            assert {"doi", "eprint"} & set(fields), key
            assert {"journal", "booktitle"} & set(fields) and "pages" in fields, key
            surname = entry.persons["author"][0].last_names[-1]
            assert key == f"{surname}{fields['year']}"


def test_every_entry_is_cited_for_something():
    text = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "equations").glob("*.eqs"))
    text += "\n".join((resources.files("brian2dynapse.data") / name).read_text(encoding="utf-8") for name in DATA)
    for key, body in parse_string("\n\n".join(entries().values()), "bibtex").entries.items():
        identifiers = [body.fields[name] for name in ("doi", "eprint") if name in body.fields]
        assert key in CITED_ALWAYS or any(one in text for one in identifiers), key


def test_citation_file_says_the_same():
    """CITATION.cff is what code forges show; version, authors and papers are those of the package."""
    file = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert file["version"] == bd.__version__
    parsed = parse_string(bd.citation(), "bibtex").entries
    own = parsed["brian2dynapse"]
    plain = {key: re.sub(r"[{}]", "", entry.fields["title"]) for key, entry in parsed.items()}
    assert file["title"] == plain["brian2dynapse"]
    assert own.fields["version"] == bd.__version__
    assert str(file["date-released"].year) == own.fields["year"]
    assert [re.sub(r"[{}]", "", str(one)) for one in own.persons["author"]] == [one["name"] for one in file["authors"]]
    for reference in file["references"]:
        key = key_of(reference["doi"])
        assert key in CITED_ALWAYS
        assert (str(reference["year"]), str(reference["volume"]), reference["journal"], reference["start"]) == tuple(
            parsed[key].fields[name] for name in ("year", "volume", "journal", "pages")
        )
        assert len(reference["authors"]) == len(parsed[key].persons["author"])
        assert reference["title"] == plain[key]


# -- what is cited -----------------------------------------------------------------------------------


def test_nothing_given_is_the_software_and_the_chip():
    assert keys() == CITED_ALWAYS
    assert keys(bd.Biases()) == CITED_ALWAYS


def test_it_shows_itself_as_it_is():
    text = bd.citation()
    assert repr(text) == str(text) == "" + text
    assert text.startswith("% this software\n@misc{brian2dynapse,\n")


@pytest.mark.parametrize(
    ("latches", "dendrites", "key", "reason"),
    [
        ({"so_adaptation"}, [], "Bartolozzi2007", "spike-frequency adaptation"),
        ({"soif_type"}, [], "Indiveri2011", "exponential soma"),
        ({"ho_enable"}, [], "Qiao2017", "homeostasis"),
        ({"deam_ampa"}, [], "Andreou1989", "AMPA diffusion grid"),
        (set(), ["ampa"], "Bartolozzi2007", "AMPA dendrite"),
        ({"de_conductance"}, ["ampa"], "Chicca2014", "conductance dendrites"),
        ({"denm_nmda"}, ["nmda"], "Chicca2014", "NMDA gate"),
    ],
)
def test_a_circuit_that_is_on_is_cited_and_one_that_is_off_is_not(latches, dendrites, key, reason):
    plain = bd.Neurons(2, bd.Biases(), name="plain")
    net_of_plain = b2.Network(plain)
    switched = bd.Neurons(2, bd.Biases(), latches=latches, dendrites=dendrites, physical=[0, 1], name="switched")
    net_of_switched = b2.Network(switched)
    assert reason in reasons(net_of_switched)[key].split(", ")
    assert reason not in ", ".join(reasons(net_of_plain).values())
    assert keys(plain) == CITED_ALWAYS | {"Chicca2014", "Livi2009"}  # the soma


def test_noise_depression_and_mismatch():
    inputs = b2.PoissonGroup(2, 10 * Hz, name="inputs")
    keys_of = {}
    for std in (False, True):
        neurons = bd.Neurons(
            2, bd.Biases(), chip=bd.Chip(seed=1, mismatch=0.2 * std, noise=int(std)), name=f"n_{std:d}"
        )
        connection = bd.Connection(inputs, neurons, "ampa", std=std, name=f"c_{std:d}")
        connection.connect()
        keys_of[std] = keys(b2.Network(inputs, neurons, connection))
    assert keys_of[True] - keys_of[False] == {"Boegerhausen2003", "Sarpeshkar1993", "Pelgrom1989"}


def test_circuits_are_the_same_from_network_mapping_table_and_configuration():
    """A configuration knows its circuits by its words and latches: another way to the same list."""
    chip = bd.Chip(seed=1, mismatch=0.2)
    pyr = bd.Neurons(4, bd.Biases(), latches={"so_adaptation", "denm_nmda"}, chip=chip, name="pyr")
    inh = bd.Neurons(4, bd.Biases({"SOIF_LEAK_N": (2, 10)}), chip=chip, name="inh")
    connections = [
        bd.Connection(source, target, dendrite, std=dendrite == "nmda", name=f"c_{dendrite}")
        for source, target, dendrite in ((inh, pyr, "nmda"), (pyr, inh, "gaba"))
    ]
    for one in connections:
        one.connect(i=[0, 1], j=[0, 1])
    net = b2.Network(pyr, inh, *connections, b2.SpikeMonitor(pyr), b2.SpikeMonitor(inh))
    mapping = bd.map_network(net)
    assert bd.citation(mapping) == bd.citation(net) == bd.citation(mapping.utilization())
    assert "NMDA gate" in reasons(net)["Chicca2014"]

    def of_circuits(text):
        return [one for one in text.split(", ") if not one.startswith(("constant", "mismatch", "merged"))]

    of_configuration = {key: of_circuits(text) for key, text in reasons(mapping.configuration).items()}
    assert of_configuration == {key: of_circuits(text) for key, text in reasons(net).items() if key != "Pelgrom1989"}


def test_a_result_is_cited_by_what_it_ran_with():
    table = bd.measure.fi_curve(bd.Biases(), [(2, 40)], duration=1 * ms, settle=0 * ms)
    assert reasons(table)["Richter2024"] == "the chip, DC input, constant C_mem"
    assert keys(table) == CITED_ALWAYS | {"Chicca2014", "Livi2009"}


def test_titles_read_well():
    names = {title(file.stem) for file in (ROOT / "equations").glob("*.eqs")}
    assert {"NMDA gate", "GABA dendrite (GABA_B)", "DC input", "soma", "spike-frequency adaptation"} <= names


def test_constants_of_the_chip_are_cited_unless_given():
    neurons = bd.Neurons(1, bd.Biases(), chip=bd.Chip(C_mem=facts.constants("nominal")["C_mem"].value * b2.farad))
    b2.Network(neurons)
    assert "constant C_mem" not in bd.citation(neurons)
    assert "constant C_mem" in bd.citation(b2.Network(bd.Neurons(1, bd.Biases())))


def test_what_cannot_be_cited():
    with pytest.raises(bd.DynapseError, match="str has none; give a Biases"):
        bd.citation("net")
    with pytest.raises(KeyError, match="no entry with 10.1000/1"):
        key_of("10.1000/1")


def test_the_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "citation.md").read_text(encoding="utf-8")
    names = {}
    for block in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL):
        exec(compile(block, "citation.md", "exec"), names)
    printed = capsys.readouterr().out
    shown = re.search(r"```bibtex\n(% .+?)  \.\.\.\n```", page, flags=re.DOTALL).group(1)
    assert shown in printed
    assert (
        set(parse_string((tmp_path / "references.bib").read_text(encoding="utf-8"), "bibtex").entries) >= CITED_ALWAYS
    )
    listed = re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE)
    assert listed == list(names["record"])
