"""How far the newest entries may differ by chance; made by `benchmarks/gate_calibration.py`."""

from __future__ import annotations

from bisect import bisect_left

THRESHOLDS: tuple[tuple[int, float], ...] = (
    (12, 8.150),
    (13, 7.737),
    (14, 7.230),
    (15, 7.646),
    (16, 7.153),
    (17, 6.868),
    (18, 7.162),
    (19, 6.901),
    (20, 6.716),
    (21, 6.731),
    (22, 6.537),
    (23, 6.427),
    (24, 6.483),
    (25, 6.266),
    (26, 6.141),
    (27, 6.229),
    (28, 6.036),
    (29, 5.918),
    (30, 5.868),
    (31, 5.816),
    (32, 5.632),
    (33, 5.738),
    (34, 5.640),
    (35, 5.512),
    (36, 5.545),
    (38, 5.313),
    (40, 5.174),
    (42, 5.032),
    (45, 4.889),
    (48, 4.703),
    (52, 4.510),
    (56, 4.327),
    (60, 4.172),
    (66, 4.011),
    (72, 3.854),
    (80, 3.754),
    (90, 3.649),
    (100, 3.608),
    (112, 3.558),
)
"""Entries → how many standard errors are an alarm; so that the worst of five noises (Gaussian, 3 %
outliers, AR(1) of 0.15, 0.3 and 0.5) rings 0.9 times in 1,000 checks at each length."""


def threshold(entries: int) -> float:
    """The threshold for a series of so many entries: linear in 1/entries between simulated ones."""
    places = [place for place, _ in THRESHOLDS]
    at = bisect_left(places, entries)
    if at == 0 or at == len(places):
        return THRESHOLDS[min(at, len(places) - 1)][1]
    (low, below), (high, above) = THRESHOLDS[at - 1], THRESHOLDS[at]
    share = (1 / low - 1 / entries) / (1 / low - 1 / high)
    return below + share * (above - below)
