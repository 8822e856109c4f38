"""`ChipProfile`: the defects of one board: CAM words that fail, and tags that do not work. No Brian2 here.

Real chips have synapses that do not answer reliably, more of them with tags 0..1023 than with tags 1024..2047. A
profile says how often every CAM failed in tests, for each half of the tags; a mapper keeps to what is usable.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from html import escape
from numbers import Real
from pathlib import Path

import numpy as np
import pandas as pd

from . import facts, profile_draws, profile_files
from .configuration import LARGEST_CHIPS, LARGEST_TAG
from .errors import DynapseError, unknown_name
from .files import write_atomically
from .profile_files import CAM_SHAPE, TAG_SHAPE, TAGS

SYNTHETIC_TAGS = ("all", "makers")


@dataclass(frozen=True, eq=False, repr=False)
class ChipProfile:
    """Which CAM words and tags of a board work.

    Parameters
    ----------
    cam_failures : array_like of float, optional
        Fraction of failed tests, 0..1, of every (chip, core, neuron, CAM, upper tag bit), shape
        (chips, 4, 256, 64, 2), or (4, 256, 64, 2) for one chip. The last axis: with tags 0..1023, with tags
        1024..2047. Without it no CAM fails.
    tags : array_like of bool, optional
        Which tags work in each core, shape (chips, 4, 2048), or (4, 2048) for one chip. Without it all do.
    largest_failure : float, optional
        Largest fraction of failed tests with which a CAM is used; 0.1 unless given, as people do.
    source : str
        Where the profile comes from; for reports.

    Raises
    ------
    DynapseError
        For a wrong shape or type, fractions that are not 0..1, or numbers of chips that differ.

    Notes
    -----
    Frozen. Two profiles are equal if the same tests failed, the same tags work and `largest_failure` is the same.
    """

    cam_failures: np.ndarray | None = None
    tags: np.ndarray | None = None
    largest_failure: float | None = None
    source: str = ""

    def __post_init__(self):
        largest = (
            profile_draws.statistic("largest_failure")[0] if self.largest_failure is None else self.largest_failure
        )
        if isinstance(largest, bool) or not isinstance(largest, Real) or not 0 <= largest <= 1:
            raise DynapseError(f"largest_failure is {largest!r}; give a fraction of failed tests, 0..1")
        failures = None if self.cam_failures is None else _board_array("cam_failures", self.cam_failures, CAM_SHAPE)
        tags = None if self.tags is None else _board_array("tags", self.tags, TAG_SHAPE)
        if failures is None:
            failures = np.zeros((1 if tags is None else len(tags), *CAM_SHAPE))
        if tags is None:
            tags = np.ones((len(failures), *TAG_SHAPE), dtype=bool)
        if len(failures) != len(tags):
            raise DynapseError(f"cam_failures has {len(failures)} chips and tags {len(tags)}; give both for every chip")
        wrong = failures[~((failures >= 0) & (failures <= 1))]
        if wrong.size:
            raise DynapseError(f"cam_failures has {wrong.size} numbers that are no fractions 0..1, such as {wrong[0]}")
        for array in (failures, tags):
            array.setflags(write=False)
        object.__setattr__(self, "cam_failures", failures)
        object.__setattr__(self, "tags", tags)
        object.__setattr__(self, "largest_failure", float(largest))

    @property
    def chips(self) -> int:
        """Number of chips of the board."""
        return len(self.cam_failures)

    @cached_property
    def usable(self) -> np.ndarray:
        """Whether a CAM is to be used with tags of a half; bool, shape (chips, 4, 256, 64, 2), read-only."""
        usable = self.cam_failures <= self.largest_failure
        usable.setflags(write=False)
        return usable

    def usable_cams(self) -> np.ndarray:
        """Number of usable CAMs of every neuron with tags of each half; int, shape (chips, 4, 256, 2)."""
        return self.usable.sum(axis=3)

    def allowed_tags(self, chip: int, core: int) -> np.ndarray:
        """Tags that work in a core.

        Parameters
        ----------
        chip, core : int
            The core.

        Returns
        -------
        numpy.ndarray of int
            In ascending order.

        Raises
        ------
        DynapseError
            If the board has no such core.
        """
        for name, number, size in (("chip", chip, self.chips), ("core", core, facts.CORES_PER_CHIP)):
            if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or not 0 <= number < size:
                raise DynapseError(f"{name} is {number!r}; the {name}s of this profile are 0..{size - 1}")
        return np.flatnonzero(self.tags[chip, core])

    def to_frame(self) -> pd.DataFrame:
        """What works in every core.

        Returns
        -------
        pandas.DataFrame
            A row a core; columns chip, core, usable_low and usable_high (fractions of its CAMs that are usable with
            tags 0..1023 and 1024..2047), worst_neuron (the one with the fewest in all), fewest_low and fewest_high
            (the smallest numbers of usable CAMs of a neuron), allowed_tags (their number).
        """
        counts = self.usable_cams()
        rows = []
        for chip, core in np.ndindex(self.chips, facts.CORES_PER_CHIP):
            low, high = counts[chip, core].T
            rows.append(
                {
                    "chip": chip,
                    "core": core,
                    "usable_low": low.mean() / facts.SYNAPSES_PER_NEURON,
                    "usable_high": high.mean() / facts.SYNAPSES_PER_NEURON,
                    "worst_neuron": int(np.argmin(low + high)),
                    "fewest_low": int(low.min()),
                    "fewest_high": int(high.min()),
                    "allowed_tags": int(self.tags[chip, core].sum()),
                }
            )
        return pd.DataFrame(rows)

    def summary(self) -> pd.DataFrame:
        """The columns of `to_frame` for whole chips (without worst_neuron): means, smallest numbers, sum of tags."""
        how = dict.fromkeys(("usable_low", "usable_high"), "mean") | dict.fromkeys(("fewest_low", "fewest_high"), "min")
        return self.to_frame().groupby("chip", as_index=False).agg(how | {"allowed_tags": "sum"})

    def __eq__(self, other) -> bool:
        if not isinstance(other, ChipProfile):
            return NotImplemented
        return (
            self.largest_failure == other.largest_failure
            and np.array_equal(self.cam_failures, other.cam_failures)
            and np.array_equal(self.tags, other.tags)
        )

    def __hash__(self) -> int:
        return hash((self.largest_failure, self.cam_failures.tobytes(), self.tags.tobytes()))

    def __reduce__(self):
        return ChipProfile, (self.cam_failures, self.tags, self.largest_failure, self.source)

    def __repr__(self) -> str:
        low, high = self.usable.mean(axis=(0, 1, 2, 3))
        return (
            f"<ChipProfile of {self.chips} chip{'s' if self.chips > 1 else ''}"
            f"{f' ({self.source})' if self.source else ''}: {low:.0%} of the CAMs usable with tags 0..{TAGS // 2 - 1}, "
            f"{high:.0%} with {TAGS // 2}..{LARGEST_TAG}; {self.tags.mean():.0%} of the tags allowed>"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>" + self.to_frame().to_html(index=False)

    def to_csv(self, path: str | Path, tags_path: str | Path | None = None) -> Path:
        """Write the failed tests, and the tags, as tables that `from_csv` reads; each whole or not at all.

        Parameters
        ----------
        path : str or path
            Table of the CAMs that failed.
        tags_path : str or path, optional
            Table of the tags; needed if some do not work.

        Returns
        -------
        pathlib.Path
            The first file.

        Raises
        ------
        DynapseError
            If there are tags that do not work, and no file for them. `largest_failure` and `source` are in neither
            file; `save` keeps everything.
        """
        if tags_path is None and not self.tags.all():
            raise DynapseError("some tags do not work: name a file for them, to_csv(path, tags_path), or use save")
        if tags_path is not None:
            profile_files.write_tags(tags_path, self.tags)
        return profile_files.write_cams(path, self.cam_failures)

    @classmethod
    def from_csv(
        cls, path: str | Path, tags_path: str | Path | None = None, largest_failure: float | None = None
    ) -> ChipProfile:
        """Read a profile from tables that a person or a script wrote.

        Parameters
        ----------
        path : str or path
            CSV file with the columns chip, core, neuron, cam, upper_tag_bit, failed. Only CAMs that failed need a
            row. There are as many chips as the largest number says; a last chip without defects has a row with
            failed = 0.
        tags_path : str or path, optional
            CSV file with the columns chip, core, first, last: ranges of tags that work, both ends included, as many
            rows a core as it needs, and at least one: empty ends if no tag works. Without a file all tags work.
        largest_failure : float, optional
            As for the class.

        Returns
        -------
        ChipProfile
            Its source is the name of the first file.

        Raises
        ------
        ConfigurationError
            If a file cannot be read or is no CSV file of UTF-8 text, rows are wrong or repeated, or a core has no
            tags; its `errors` lists all, with their lines.
        DynapseError
            If columns are missing.
        """
        path = profile_files.checked_path(path)
        failures, tags = profile_files.read_cams(path), None
        if tags_path is not None:
            tags = profile_files.read_tags(profile_files.checked_path(tags_path), len(failures))
            failures = np.concatenate([failures, np.zeros((len(tags) - len(failures), *CAM_SHAPE))])
        return cls(failures, tags, largest_failure, path.name)

    def save(self, path: str | Path) -> Path:
        """Write everything into one file of NumPy's format (.npz), whole or not at all; see `load`."""

        def write(file: Path) -> None:
            with open(file, "wb") as handle:
                np.savez_compressed(
                    handle,
                    cam_failures=self.cam_failures,
                    tags=self.tags,
                    largest_failure=self.largest_failure,
                    source=self.source,
                )

        return write_atomically(path, write, DynapseError)

    @classmethod
    def load(cls, path: str | Path) -> ChipProfile:
        """Read a file that `save` wrote.

        Raises
        ------
        DynapseError
            If it is no such file, or cannot be read.
        """
        path = profile_files.checked_path(path)
        try:
            with np.load(path, allow_pickle=False) as file:
                entries = [file[name] for name in ("cam_failures", "tags", "largest_failure", "source")]
            largest, source = float(entries[2]), str(entries[3])
        except OSError as error:
            raise profile_files.unreadable(path, error) from None
        except (KeyError, ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile, zlib.error):
            raise DynapseError(f"{path.name} is not a profile of ChipProfile.save; for CSV use from_csv") from None
        return cls(*entries[:2], largest, source)

    @classmethod
    def perfect(cls, chips: int = 1) -> ChipProfile:
        """A board without defects, all tags allowed."""
        return cls(np.zeros((_checked_chips(chips), *CAM_SHAPE)), source="no defects")

    @classmethod
    def synthetic(
        cls,
        seed: int,
        chips: int = 1,
        yield_low: tuple[float, float] | None = None,
        yield_high: tuple[float, float] | None = None,
        worst: tuple[int, int] | None = None,
        tags: str = "all",
    ) -> ChipProfile:
        """A board with defects as real ones have them, drawn from a seed.

        Parameters
        ----------
        seed : int
            Identity of the board; a chip of it is the same however many chips there are.
        chips : int
            Number of chips.
        yield_low, yield_high : pair of float, optional
            Smallest and largest fraction of the CAMs of a core that are usable with tags 0..1023 and with tags
            1024..2047. 0.41 to 0.66 and 0.85 to 0.94, those of public profiles, unless given.
        worst : pair of int, optional
            Smallest and largest number of CAMs of the worst neuron of a core that are usable at all; 0 to 29 of 64
            unless given.
        tags : str
            ``"all"``, or ``"makers"``: those of `makers_tags`.

        Returns
        -------
        ChipProfile
            Every core has a yield and a worst neuron of its own, uniform in the ranges.

        Raises
        ------
        DynapseError
            For a range that is none, or low tags that work better than high ones.

        Notes
        -----
        What is assumed beyond the published numbers stands in `profile_draws`; above all that a CAM which is usable
        with tags 0..1023 is also usable with the others.
        """
        failures = profile_draws.draw_failures(seed, _checked_chips(chips), yield_low, yield_high, worst)
        if tags not in SYNTHETIC_TAGS:
            raise unknown_name("choice of tags", tags, SYNTHETIC_TAGS)
        return cls(failures, makers_tags(chips) if tags == "makers" else None, None, f"synthetic, seed {seed}")


def makers_tags(chips: int = 1) -> np.ndarray:
    """Tags that work in each core in the mapper of the chip's makers.

    Parameters
    ----------
    chips : int
        Number of chips; all have the same.

    Returns
    -------
    numpy.ndarray of bool
        Shape (chips, 4, 2048).
    """
    tags = np.zeros((_checked_chips(chips), *TAG_SHAPE), dtype=bool)
    for row in facts.read_table("makers_tags.csv"):
        tags[:, int(row["core"]), int(row["first"]) : int(row["last"]) + 1] = True
    return tags


def _checked_chips(chips) -> int:
    if isinstance(chips, bool) or not isinstance(chips, (int, np.integer)) or not 1 <= chips <= LARGEST_CHIPS:
        raise DynapseError(f"chips is {chips!r}; give their number, 1..{LARGEST_CHIPS}")
    return int(chips)


def _board_array(name: str, given, shape: tuple[int, ...]) -> np.ndarray:
    """A copy of what is given as an array of shape (chips, *shape)."""
    kinds, dtype = ("b", bool) if name == "tags" else ("fiu", float)
    what = f"{'booleans' if name == 'tags' else 'numbers'} of shape (chips, *{shape}), or {shape} for one chip"
    try:
        array = np.asarray(given)
    except (ValueError, TypeError):
        raise DynapseError(f"{name} has rows of unequal length or is no array; give {what}") from None
    if array.ndim == len(shape):
        array = array[None]
    if array.dtype.kind not in kinds or array.shape[1:] != shape or not 1 <= len(array) <= LARGEST_CHIPS:
        raise DynapseError(f"{name} has shape {np.shape(given)} and type {array.dtype}; give {what}")
    return array.astype(dtype)
