"""Defects of chips: what is usable, files in both directions, and synthetic boards as bad as real ones."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brian2dynapse.chip_profile import ChipProfile, makers_tags
from brian2dynapse.configuration import Configuration
from brian2dynapse.errors import ConfigurationError, DynapseError, UnknownNameError

SHAPE = (4, 256, 64, 2)
CAM_COLUMNS = "chip,core,neuron,cam,upper_tag_bit,failed\n"
TAG_COLUMNS = "chip,core,first,last\n"
ONE_CORE = 1 / (256 * 64)  # a CAM of a core's CAMs


def profile_with(failed, chips=1, **others):
    failures = np.zeros((chips, *SHAPE))
    for place, fraction in failed.items():
        failures[place] = fraction
    return ChipProfile(failures, **others)


def written(tmp_path, text, name="cams.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_profile_without_anything_has_no_defects():
    profile = ChipProfile()
    assert profile == ChipProfile.perfect()
    assert profile.chips == 1 and profile.usable.all() and profile.tags.all()
    assert ChipProfile.perfect(3).chips == 3
    assert np.array_equal(profile.allowed_tags(0, 2), np.arange(2048))


def test_arrays_are_those_of_a_configuration():
    profile = ChipProfile.perfect(2)
    # what a mapper combines: a CAM of a profile is a CAM of a configuration
    assert profile.usable.shape[:-1] == Configuration(2).synapse_tag.shape


def test_a_cam_is_used_up_to_a_tenth_of_failed_tests():
    profile = profile_with({(0, 1, 2, 3, 0): 0.1, (0, 1, 2, 4, 0): 2 / 20, (0, 1, 2, 5, 0): 0.15, (0, 1, 2, 6, 1): 1})
    assert profile.usable[0, 1, 2, 3:7].tolist() == [[True, True], [True, True], [False, True], [True, False]]
    assert profile.usable_cams()[0, 1, 2].tolist() == [63, 63]
    assert not profile_with({(0, 1, 2, 3, 0): 0.1}, largest_failure=0.05).usable[0, 1, 2, 3, 0]


def test_one_chip_needs_no_axis_of_chips():
    failures, tags = np.random.default_rng(0).uniform(size=SHAPE), np.arange(4 * 2048).reshape(4, 2048) % 3 > 0
    assert ChipProfile(failures, tags) == ChipProfile(failures[None], tags[None])
    assert ChipProfile(tags=np.ones((2, 4, 2048), dtype=bool)).chips == 2


def test_profiles_are_frozen_copies():
    failures = np.zeros(SHAPE)
    profile = ChipProfile(failures)
    failures[0, 0, 0, 0] = 1
    assert profile.usable.all()
    for array in (profile.cam_failures, profile.tags, profile.usable):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1
    with pytest.raises(AttributeError, match="source"):
        profile.source = "mine"


def test_equality_is_of_the_chip_and_not_of_the_source():
    one = profile_with({(0, 0, 0, 0, 0): 0.5}, source="a")
    assert one == profile_with({(0, 0, 0, 0, 0): 0.5}, source="b")
    assert hash(one) == hash(profile_with({(0, 0, 0, 0, 0): 0.5}))
    assert one != profile_with({(0, 0, 0, 0, 0): 0.6})
    assert one != profile_with({(0, 0, 0, 0, 0): 0.5}, chips=2)
    assert one != profile_with({(0, 0, 0, 0, 0): 0.5}, largest_failure=0.2)
    assert one != ChipProfile(one.cam_failures, makers_tags())
    assert one != "a profile"
    restored = pickle.loads(pickle.dumps(one))
    assert restored == one and restored.source == "a" and not restored.tags.flags.writeable


def test_the_table_of_cores():
    failures = np.zeros((2, *SHAPE))
    failures[1, 2, 7, :60, 0] = 1
    failures[1, 2, 9, :5, 1] = 0.5
    profile = ChipProfile(failures, makers_tags(2))
    frame = profile.to_frame()
    assert len(frame) == 8
    row = frame[(frame["chip"] == 1) & (frame["core"] == 2)].iloc[0]
    assert row["usable_low"] == 1 - 60 * ONE_CORE and row["usable_high"] == 1 - 5 * ONE_CORE
    assert (row["worst_neuron"], row["fewest_low"], row["fewest_high"], row["allowed_tags"]) == (7, 4, 59, 512)
    chips = profile.summary()
    assert chips["fewest_low"].tolist() == [64, 4]
    # 1e-12: a mean of four cores
    assert chips["usable_low"].tolist() == pytest.approx([1, 1 - 15 * ONE_CORE], rel=1e-12)
    assert chips["allowed_tags"].tolist() == [2048 + 1536 + 512 + 1792] * 2
    assert repr(profile).startswith("<ChipProfile of 2 chips: 100% of the CAMs usable with tags 0..1023")
    assert "worst_neuron" in profile._repr_html_()


def test_tags_of_the_makers():
    tags = makers_tags(2)
    assert np.array_equal(tags[0], tags[1])
    profile = ChipProfile(tags=tags)
    assert profile.allowed_tags(0, 0).tolist() == list(range(2048))
    assert profile.allowed_tags(0, 1).tolist() == list(range(512, 2048))
    assert profile.allowed_tags(1, 2).tolist() == [1032 + 16 * i + j for i in range(64) for j in range(8)]
    assert profile.allowed_tags(1, 3).tolist() == [*range(1024), *range(1280, 2048)]


@pytest.mark.parametrize("seed", range(8))
def test_synthetic_yields_are_those_of_public_profiles(seed):
    frame = ChipProfile.synthetic(seed, chips=2).to_frame()
    # a yield is met to the nearest whole CAM of a core
    assert frame["usable_low"].between(0.41 - ONE_CORE, 0.66 + ONE_CORE).all()
    assert frame["usable_high"].between(0.85 - ONE_CORE, 0.94 + ONE_CORE).all()
    assert frame["fewest_low"].between(0, 29).all() and frame["fewest_high"].between(0, 29).all()


def test_synthetic_yields_fill_their_ranges():
    frame = ChipProfile.synthetic(1, chips=50).to_frame()
    # mean of 200 uniform numbers: its standard error is range / sqrt(12 * 200) = range / 49; 5 of them
    assert frame["usable_low"].mean() == pytest.approx(0.535, abs=0.25 / 49 * 5)
    assert frame["usable_high"].mean() == pytest.approx(0.895, abs=0.09 / 49 * 5)
    # of 200 worst neurons, 0..29 left with 1/30 each: P(none has 0 or 1) = (28/30)**200 = 1e-6
    assert frame["fewest_high"].min() <= 1 and frame["fewest_high"].max() >= 28


def test_synthetic_cams_that_work_with_low_tags_work_with_high_ones():
    profile = ChipProfile.synthetic(2)
    low, high = np.moveaxis(profile.usable, -1, 0)
    assert not np.any(low & ~high)
    assert np.array_equal(np.unique(profile.cam_failures), np.arange(21) / 20)  # k failed tests of 20


def test_a_synthetic_chip_is_the_same_on_every_board():
    board = ChipProfile.synthetic(4, chips=3)
    assert np.array_equal(board.cam_failures[:1], ChipProfile.synthetic(4).cam_failures)
    assert not np.array_equal(board.cam_failures[0], board.cam_failures[1])
    assert board == ChipProfile.synthetic(4, chips=3) != ChipProfile.synthetic(5, chips=3)
    assert ChipProfile.synthetic(4).tags.all()
    assert np.array_equal(ChipProfile.synthetic(4, tags="makers").tags, makers_tags())


def test_synthetic_yields_can_be_chosen():
    ideal = ChipProfile.synthetic(0, yield_low=(1, 1), yield_high=(1, 1), worst=(64, 64))
    assert ideal.usable.all()
    frame = ChipProfile.synthetic(0, yield_low=(0.2, 0.2), yield_high=(0.7, 0.7), worst=(3, 3)).to_frame()
    assert np.allclose(frame["usable_low"], 0.2, atol=ONE_CORE, rtol=0)
    assert np.allclose(frame["usable_high"], 0.7, atol=ONE_CORE, rtol=0)
    assert (frame["fewest_high"] == 3).all()
    assert not ChipProfile.synthetic(0, yield_low=(0, 0), yield_high=(0, 0), worst=(0, 0)).usable.any()


@pytest.mark.parametrize("arguments, message", [
    ({"seed": -1}, "seed is -1; give a non-negative integer"),
    ({"chips": 0}, "chips is 0; give their number, 1..225"),
    ({"yield_low": (0.6, 0.4)}, r"yield_low is \(0.6, 0.4\); give the ends of a range, two numbers 0..1, the smaller"),
    ({"yield_high": 0.9}, "yield_high is 0.9; give the ends of a range"),
    ({"yield_low": (0.5, 0.9)}, "yield_low reaches 0.9, above 0.85, where yield_high begins"),
    ({"worst": (0.0, 3.0)}, r"worst is \(0.0, 3.0\); give the ends of a range, two integers 0..64"),
    ({"tags": "maker"}, "'maker' is not a choice of tags; did you mean makers"),
])  # fmt: skip
def test_bad_arguments_of_synthetic_are_named(arguments, message):
    with pytest.raises(DynapseError, match=message):
        ChipProfile.synthetic(**{"seed": 0} | arguments)


@pytest.mark.parametrize("arguments, message", [
    ({"cam_failures": np.zeros((4, 256, 64))}, r"cam_failures has shape \(4, 256, 64\).*give numbers of shape"),
    ({"cam_failures": np.full(SHAPE, 1.5)}, "cam_failures has 131072 numbers that are no fractions 0..1, such as 1.5"),
    ({"cam_failures": np.full(SHAPE, np.nan)}, "no fractions 0..1, such as nan"),
    ({"cam_failures": [[1], [1, 2]]}, "cam_failures has rows of unequal length .*give numbers of shape"),
    ({"cam_failures": "none"}, "cam_failures has shape"),
    ({"tags": np.ones((4, 2048))}, "tags has shape .* and type float64; give booleans"),
    ({"tags": np.ones((2, 4, 2048), bool), "cam_failures": np.zeros(SHAPE)}, "cam_failures has 1 chips and tags 2"),
    ({"largest_failure": 10}, "largest_failure is 10; give a fraction of failed tests, 0..1"),
])  # fmt: skip
def test_bad_profiles_are_named(arguments, message):
    with pytest.raises(DynapseError, match=message):
        ChipProfile(**arguments)


@pytest.mark.parametrize("place, message", [
    ((1, 0), "chip is 1; the chips of this profile are 0..0"),
    ((0, 4), "core is 4; the cores of this profile are 0..3"),
    ((0, -1), "core is -1"),
])  # fmt: skip
def test_a_core_that_is_not_there_is_named(place, message):
    with pytest.raises(DynapseError, match=message):
        ChipProfile().allowed_tags(*place)


def test_a_file_written_by_hand(tmp_path):
    cams = written(tmp_path, "# my board\n" + CAM_COLUMNS + "0, 1, 255, 63, 1, 0.25\n\n1,0,0,0,0,0\n")
    tags = TAG_COLUMNS + "".join(f"{chip},{core},0,2047\n" for chip in range(2) for core in range(3))
    tags += "0,3,5,7\n0,3,100,100\n1,3,,\n"
    profile = ChipProfile.from_csv(cams, written(tmp_path, tags, "tags.csv"))
    assert profile.chips == 2 and profile.source == "cams.csv"
    assert np.argwhere(profile.cam_failures).tolist() == [[0, 1, 255, 63, 1]]
    assert profile.allowed_tags(0, 3).tolist() == [5, 6, 7, 100]
    assert profile.allowed_tags(1, 3).tolist() == [] and profile.tags[:, :3].all()


@given(
    st.dictionaries(
        st.tuples(*(st.integers(0, size - 1) for size in (2, *SHAPE))),
        st.floats(0, 1, allow_subnormal=True),
        max_size=5,
    ),
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3), st.integers(0, 2047), st.integers(0, 2047)), max_size=6),
)
@settings(deadline=None, max_examples=15)
def test_files_keep_everything(tmp_path_factory, failed, dead):
    tags = np.ones((2, 4, 2048), dtype=bool)
    for chip, core, first, last in dead:
        tags[chip, core, first:last] = False
    profile, folder = profile_with(failed, chips=2, tags=tags, source="bench"), tmp_path_factory.mktemp("profile")
    profile.to_csv(folder / "cams.csv", folder / "tags.csv")
    assert ChipProfile.from_csv(folder / "cams.csv", folder / "tags.csv") == profile
    loaded = ChipProfile.load(profile.save(folder / "profile.npz"))
    assert loaded == profile and loaded.source == "bench"


def test_a_synthetic_board_survives_its_files(tmp_path):
    profile = ChipProfile.synthetic(1, tags="makers")
    path = profile.to_csv(tmp_path / "cams.csv", tmp_path / "tags.csv")
    assert ChipProfile.from_csv(path, tmp_path / "tags.csv") == profile


def test_tags_are_not_forgotten_in_a_file(tmp_path):
    with pytest.raises(DynapseError, match=r"some tags do not work: name a file for them"):
        ChipProfile(tags=makers_tags()).to_csv(tmp_path / "cams.csv")


def test_all_errors_of_a_file_of_cams_are_listed(tmp_path):
    text = CAM_COLUMNS + "0,4,0,0,0,0.5\n0,0,0,0,0,1.5\n0,0,256,x,0,0.5\n# a comment\n0,0,0\n0,0,1.5,0,2,nan\n"
    text += "0,1,2,3,1,0.5\n0,1,2,3,1,0.6\n225,0,0,0,0,1\n"
    with pytest.raises(ConfigurationError, match="cams.csv: 10 errors") as caught:
        ChipProfile.from_csv(written(tmp_path, text))
    assert caught.value.errors == [
        "line 2: core is '4'; an integer 0..3",
        "line 3: failed is '1.5'; a fraction 0..1",
        "line 4: neuron is '256'; an integer 0..255",
        "line 4: cam is 'x'; an integer 0..63",
        "line 6: has 3 cells; the first row names 6 columns",
        "line 7: neuron is '1.5'; an integer 0..255",
        "line 7: upper_tag_bit is '2'; an integer 0..1",
        "line 7: failed is 'nan'; a fraction 0..1",
        "line 9: chip 0, core 1, neuron 2, cam 3, upper_tag_bit 1 has a row already",
        "line 10: chip is '225'; an integer 0..224",
    ]


def test_all_errors_of_a_file_of_tags_are_listed(tmp_path):
    cams = written(tmp_path, CAM_COLUMNS + "0,0,0,0,0,1\n")
    text = TAG_COLUMNS + "0,0,0,2048\n0,1,7,6\n0,2,5,\n0,-1,,\n"
    with pytest.raises(ConfigurationError) as caught:
        ChipProfile.from_csv(cams, written(tmp_path, text, "tags.csv"))
    assert caught.value.errors == [
        "line 2: last is '2048'; an integer 0..2047",
        "line 3: the range ends at 6, before its beginning, 7",
        "line 4: last is ''; an integer 0..2047",
        "line 5: core is '-1'; an integer 0..3",
    ]
    with pytest.raises(ConfigurationError) as caught:
        ChipProfile.from_csv(cams, written(tmp_path, TAG_COLUMNS + "0,0,0,9\n0,1,0,9\n0,3,0,9\n", "tags.csv"))
    assert caught.value.errors == [
        "chip 0, core 2 has no row; 0..2047 if all its tags work, empty ends if none does",
    ]


@pytest.mark.parametrize("text, message", [
    ("chip,core,neuron\n0,0,0\n", "cams.csv: column cam, upper_tag_bit, failed is missing; needed are chip, core, neu"),
    ("", "column chip, core, neuron, cam, upper_tag_bit, failed is missing"),
    (CAM_COLUMNS, "cams.csv: has no rows below the names of its columns"),
])  # fmt: skip
def test_files_that_are_no_profiles_are_refused(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(DynapseError, match=message):
        ChipProfile.from_csv(path)
    with pytest.raises(DynapseError, match="cams.csv is not a profile of ChipProfile.save; for CSV use from_csv"):
        ChipProfile.load(path)


@pytest.mark.parametrize("text, message", [
    (CAM_COLUMNS + '0,0,0,0,0,1\n0,0,0,1,"0,1\n0,0,0,2,0,1\n', "cams.csv: 1 error\n  line 3: is no row of a CSV file"),
    (CAM_COLUMNS + '0,0,0,1,"0\n",1\n', "line 2: is no row of a CSV file"),
    ('"' + CAM_COLUMNS + "0,0,0,0,0,1\n", "line 1: is no row of a CSV file"),
    (CAM_COLUMNS + f"0,0,0,0,0,{'1' * 200_000}\n", "line 2: is no row of a CSV file: field larger than field limit"),
    ("# mine\nchip," + CAM_COLUMNS + "0,0,0,0,0,0,1\n", "line 2: column chip is named 2 times; name it once"),
    (CAM_COLUMNS + "0,0,1_0,0,0,1\n", "line 2: neuron is '1_0'; an integer 0..255"),
    ((CAM_COLUMNS + "# Münster\n").encode("latin-1"), "cams.csv: 1 error\n  line 2: byte 0xfc is not UTF-8"),
    (CAM_COLUMNS.encode("utf-16"), "line 1: byte 0xff is not UTF-8"),
    (CAM_COLUMNS.encode("utf-16-le"), "line 1: has a zero byte; save the file as UTF-8 text"),
])  # fmt: skip
def test_files_that_are_no_tables_are_named(text, message, tmp_path):
    path = tmp_path / "cams.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigurationError, match=message):
        ChipProfile.from_csv(path)


@pytest.mark.parametrize("read", [ChipProfile.from_csv, ChipProfile.load])
def test_files_that_are_not_there_are_named(read, tmp_path):
    with pytest.raises(ConfigurationError, match="missing: 1 error\n  cannot be read: No such file"):
        read(tmp_path / "missing")
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        read(tmp_path)
    with pytest.raises(DynapseError, match="path is None; give the name of a file"):
        read(None)


def test_files_that_cannot_be_written_are_named(tmp_path):
    for write in (ChipProfile().save, ChipProfile().to_csv):
        with pytest.raises(DynapseError, match="cannot be written: Is a directory"):
            write(tmp_path)


def test_an_archive_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", tags=np.ones(3))
    np.save(tmp_path / "other.npy", np.ones(3))
    for name in ("other.npz", "other.npy"):
        with pytest.raises(DynapseError, match="is not a profile"):
            ChipProfile.load(tmp_path / name)


def test_unknown_tags_are_a_name_error():
    with pytest.raises(UnknownNameError):
        ChipProfile.synthetic(0, tags="none")
