"""The off-policy estimator on public data: from the random policy's log, what Bernoulli Thompson sampling would have earned.

    [OBP_WHEEL=/path/obp-0.4.1-py3-none-any.whl] python benchmarks/off_policy.py

Open Bandit data (Saito et al. 2021): 10,000 impressions of each of three campaigns of a shop, drawn at random, as they are
inside the wheel of `obp` 0.4.1, which is downloaded (1.3 MB) and never installed. Known are the values of the other policy,
relative to what was earned, by inverse propensity weighting; ours come from the same functions as HQ's page. The peer
is obp's own code with the checks of its input, run on stand-ins for the libraries that these functions do not use (torch, scikit-learn).
"""

from __future__ import annotations

import csv
import importlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import _house
import numpy as np
import yaml
from _house import Target

#: Relative values by inverse propensity weighting, by the steps of obp's README (the policy simulated 100,000 times, seed
#: 12345); that of "all" is printed there.
PUBLISHED = {"all": 1.198126, "men": 0.985557, "women": 1.481190}
SEED, SIMULATIONS, PLACES = 12345, 100_000, 3
BOOTSTRAPS = 1_000  # obp's default is 10,000
SLATES, LENGTH = 5_000, 5


class Log(NamedTuple):
    """n impressions: the item shown, at which place, with what chance, and whether it was clicked."""

    action: np.ndarray
    position: np.ndarray
    logged: np.ndarray
    reward: np.ndarray


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="pep-obp-") as folder:
        without_a_database(folder)
        with zipfile.ZipFile(wheel(Path(folder))) as packed:
            packed.extractall(folder)
        peer = estimators_of(Path(folder))
        targets = []
        for campaign in PUBLISHED:
            targets += campaign_targets(campaign, Path(folder), peer)
        _house.report(targets + slate_targets(peer))


def without_a_database(folder: str) -> None:
    """The estimator is NumPy alone; its module is the product's."""
    sys.path.insert(0, str(_house.ROOT))
    os.environ.setdefault("PEP_DATA", folder)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pep.settings")
    import django

    django.setup()


def wheel(folder: Path) -> Path:
    if given := os.environ.get("OBP_WHEEL"):
        return Path(given)
    pip = shutil.which("pip") or shutil.which("pip3")
    if pip is None:
        raise SystemExit("No pip to download obp 0.4.1 with; name the wheel in OBP_WHEEL.")
    subprocess.run([pip, "download", "--quiet", "--no-deps", "--dest", str(folder), "obp==0.4.1"], check=True)
    return next(folder.glob("obp-*.whl"))


# The data


def log_of(campaign: str, folder: Path) -> Log:
    text = (folder / f"obp/dataset/obd/random/{campaign}/{campaign}.csv").read_text()
    rows = [(int(r["item_id"]), int(r["position"]), float(r["propensity_score"]), float(r["click"]))
            for r in csv.DictReader(io.StringIO(text))]  # fmt: skip
    action, position, logged, reward = (np.array(column) for column in zip(*rows, strict=True))
    return Log(action, position - 1, logged, reward)


def policy(campaign: str, folder: Path, items: int) -> np.ndarray:
    """Items x places: how often Thompson sampling with the shop's prior puts each item on each place."""
    prior = yaml.safe_load((folder / "obp/policy/conf/prior_bts.yaml").read_text())[campaign]
    chance = np.random.RandomState(SEED)
    counts = np.zeros((items, PLACES))
    for _ in range(SIMULATIONS // 1000):
        drawn = chance.beta(prior["alpha"], prior["beta"], size=(1000, items)).argsort(axis=1)[:, ::-1]
        for place in range(PLACES):
            counts[:, place] += np.bincount(drawn[:, place], minlength=items)
    return counts / SIMULATIONS


# The peer


def estimators_of(folder: Path) -> Any:
    """obp's estimators by name, without what it takes to install them."""
    for name in ("torch", "sklearn", "sklearn.utils", "obp", "obp.ope"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["torch"].Tensor = type("Tensor", (), {})  # type: ignore[attr-defined]
    sys.modules["sklearn.utils"].check_random_state = np.random.RandomState  # type: ignore[attr-defined]
    sys.modules["obp"].__path__ = [str(folder / "obp")]  # type: ignore[attr-defined]
    sys.modules["obp.ope"].__path__ = [str(folder / "obp/ope")]  # type: ignore[attr-defined]
    single, slate = (importlib.import_module(f"obp.ope.{name}") for name in ("estimators", "estimators_slate"))
    return types.SimpleNamespace(
        ipw=single.InverseProbabilityWeighting(), snipw=single.SelfNormalizedInverseProbabilityWeighting(),
        rips=slate.SlateRewardInteractionIPS(len_list=LENGTH),
    )  # fmt: skip


# Comparing


def campaign_targets(campaign: str, folder: Path, peer: Any) -> list[Target]:
    from activities.evidence import off_policy

    log = log_of(campaign, folder)
    target = policy(campaign, folder, int(log.action.max()) + 1)
    # One place a list: whatever stood beside it, its click is its own.
    reward, logged, person = log.reward[:, None], log.logged[:, None], np.arange(len(log.reward))
    earned = log.reward.mean()

    def ours() -> Any:
        weights = off_policy.cumulative(target[log.action, log.position][:, None], logged)
        return weights, off_policy.self_normalised(weights, reward)

    weights, (value, moves) = ours()
    error = off_policy.clustered_error(moves, person)
    low, high = value - off_policy.STANDARD_ERRORS * error, value + off_policy.STANDARD_ERRORS * error
    weighted = float((weights * reward).mean() / earned)
    given = {
        "reward": log.reward, "action": log.action, "pscore": log.logged, "position": log.position,
        "action_dist": np.broadcast_to(target, (len(log.action), *target.shape)),
    }  # fmt: skip
    theirs = peer.ipw.estimate_policy_value(**given) / earned
    self_normalised = peer.snipw.estimate_policy_value(**given) / earned
    print(
        f"{campaign}: {earned:.4f} earned; relative by IPW ours {weighted:.6f}, obp {theirs:.6f}, published "
        f"{PUBLISHED[campaign]:.6f}; by SNIPS ours {value / earned:.6f} ({low / earned:.3f} to {high / earned:.3f}), obp "
        f"{self_normalised:.6f}; {off_policy.effective_size(weights):,.0f} of {len(reward):,} lists count",
        flush=True,
    )
    same = abs(theirs - weighted) < 1e-9 and abs(self_normalised - value / earned) < 1e-9
    met = abs(weighted - PUBLISHED[campaign]) < 1e-6
    mine = timed(lambda: off_policy.clustered_error(ours()[1][1], person))
    by_value, by_range = (
        timed(lambda: peer.snipw.estimate_policy_value(**given)),
        timed(lambda: peer.snipw.estimate_interval(n_bootstrap_samples=BOOTSTRAPS, random_state=1, **given), times=1),
    )
    return [
        Target(f"Open Bandit “{campaign}”: IPW, relative", f"{PUBLISHED[campaign]:.6f}", f"{weighted:.6f}", met),
        Target("  IPW and SNIPS equal to obp's to 1e-9", "yes", str(same), same),
        Target("  value and range: x obp's value alone", "", f"{by_value / mine:.1f} x ({1e3 * mine:.2f} ms)", None),
        Target(f"  x obp's range ({BOOTSTRAPS:,} bootstraps)", "", f"{by_range / mine:,.0f} x", by_range > mine),
    ]


def slate_targets(peer: Any) -> list[Target]:
    """Lists of five, made up: rewards that hang on what is above, as on HQ's page."""
    from activities.evidence import off_policy

    chance = np.random.default_rng(SEED)
    logged, target = (chance.uniform(0.2, 1.0, (SLATES, LENGTH)) for _ in range(2))
    reward = (chance.random((SLATES, LENGTH)) < 0.3).astype(float)
    person = np.arange(SLATES)
    weights = off_policy.cumulative(target, logged)
    given = {
        "slate_id": np.repeat(person, LENGTH), "position": np.tile(np.arange(LENGTH), SLATES), "reward": reward.ravel(),
        "pscore_cascade": np.cumprod(logged, axis=1).ravel(),
        "evaluation_policy_pscore_cascade": np.cumprod(target, axis=1).ravel(),
    }  # fmt: skip
    same = abs(peer.rips.estimate_policy_value(**given) - (weights * reward).sum() / SLATES) < 1e-9
    mine = timed(lambda: off_policy.estimate(off_policy.cumulative(target, logged), reward, person))
    by_value, by_range = (
        timed(lambda: peer.rips.estimate_policy_value(**given), times=3),
        timed(lambda: peer.rips.estimate_interval(n_bootstrap_samples=BOOTSTRAPS, random_state=1, **given), times=1),
    )
    return [
        Target(f"{SLATES:,} lists of {LENGTH}: weighted sum equal to obp's RIPS", "yes", str(same), same),
        Target("  estimate and range: x obp's value alone", "", f"{by_value / mine:.1f} x ({1e3 * mine:.2f} ms)", None),
        Target(f"  x obp's range ({BOOTSTRAPS:,} bootstraps)", "", f"{by_range / mine:,.0f} x", by_range > mine),
    ]


def timed(work: Callable[[], object], times: int = 7) -> float:
    """Seconds, the median of several."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return _house.median(found)


if __name__ == "__main__":
    main()
