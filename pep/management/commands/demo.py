"""`manage.py demo`: the demo company YouSystem, or a year of real purchases, in a database of their own."""

from __future__ import annotations

import os
import secrets
import time
from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from activities import catalogue
from activities import demo as messages
from activities.library import starter_items
from activities.messages import starter_texts
from activities.models import ScaleSet
from activities.ranking import freezing
from activities.rules import sweep
from distributors import complete_journey, decline, demo, reordering
from distributors.complete_journey import MissingDataError
from distributors.demo import goals, signins
from distributors.ingest import Summary, bulk
from distributors.models import Distributor, Event, Goal, User
from kpis import demo as plans
from kpis.models import Rule
from pep import emptying

YOUSYSTEM, COMPLETE_JOURNEY = "yousystem", "complete-journey"
NAMES = {YOUSYSTEM: "The demo company YouSystem", COMPLETE_JOURNEY: "The Complete Journey data"}

HELP = """Load the demo company YouSystem (the default) or a year of real purchases.

The moment of loading is the moment the company has reached: its last 26 weeks end now, or at --as-of.

--data complete-journey loads the public Complete Journey transactions of 2017: stores are distributors, households
customers, baskets orders, departments product lines. All its dates are moved by whole weeks, so that its last day
with today's weekday becomes today. --as-of DATE (such as 2017-10-15) chooses another day of the data to stand for
today: that one, or the first after it with today's weekday. --limit keeps the latest so many baskets.

PEP_DEMO_PASSWORD sets the password of the demo sign-ins; without it one is made. They are printed, and written to
demo-sign-ins.txt in the data folder."""

STORE_WISHES = (
    goals.Wish("sales", Goal.Period.WEEK),
    goals.Wish("repeat_orders", Goal.Period.WEEK, every=3),
    goals.Wish("order_size", Goal.Period.MONTH, every=3),
)
#: Stores that can sign in: the ones with the most sales.
STORE_SIGN_INS = 5

#: People measured for the first scales; the weekly schedule takes more.
SCALED_BY = 150


class Command(BaseCommand):
    help = HELP

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(prog_name, subcommand, formatter_class=Plain, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", choices=list(NAMES), default=YOUSYSTEM, help="what to load (yousystem)")
        parser.add_argument("--distributors", type=int, default=500, help="size of YouSystem (500)")
        parser.add_argument("--seed", type=int, default=1, help="another seed makes another field (1)")
        parser.add_argument("--as-of", help="the moment (or, of complete-journey, the day) that stands for now")
        parser.add_argument("--limit", type=int, help="complete-journey: at most so many baskets")
        parser.add_argument(
            "--no-sign-ins",
            dest="print_sign_ins",
            action="store_false",
            help="do not print the sign-ins, only keep them in the data folder",
        )
        parser.add_argument("--reset", action="store_true", help="first empty a database with nothing but demo data")

    def handle(self, *args: Any, data: str, reset: bool, **options: Any) -> None:
        self.begun = time.monotonic()
        refuse_what_makes_no_sense(data, options)
        if reset:
            self.reset()
        elif self.is_there(data):
            return
        load = self.load_yousystem if data == YOUSYSTEM else self.load_complete_journey
        try:
            sign_ins = load(options)
        except MissingDataError as error:
            raise CommandError(str(error)) from error
        self.hand_out(sign_ins, printed=options["print_sign_ins"])
        self.stdout.write(f"{NAMES[data]} is loaded after {time.monotonic() - self.begun:.1f} s.")

    def reset(self) -> None:
        other = emptying.what_is_not_demo()
        if other is not None:
            raise CommandError(f"Nothing was emptied: this database holds more than demo data, such as {other}.")
        with self.step("Empty") as note:
            emptying.empty()
            note("all demo data removed")

    def is_there(self, data: str) -> bool:
        """Say so when the demo is loaded already; refuse a database that holds anything else."""
        if not Distributor.objects.exists():
            return False
        source = {YOUSYSTEM: demo.SOURCE, COMPLETE_JOURNEY: complete_journey.SOURCE}[data]
        if not Event.objects.filter(source=source).exists():
            raise CommandError(
                "This database holds other distributors: choose an empty one (PEP_DATA or DATABASE_URL), or empty "
                "other demo data with --reset."
            )
        # Rules come last.
        if not (ScaleSet.objects.exists() and Rule.objects.exists()):
            raise CommandError(f"{NAMES[data]} was loaded in part only: load it again with --reset.")
        self.stdout.write(f"{NAMES[data]} is loaded already; nothing was changed.")
        if password := os.environ.get("PEP_DEMO_PASSWORD"):
            many = signins.set_password(emptying.DOMAINS, password)
            self.stdout.write(f"The password of {many} demo sign-ins is the one of PEP_DEMO_PASSWORD.")
        return True

    def load_yousystem(self, options: dict[str, Any]) -> list[signins.SignIn]:
        as_of = moment(options["as_of"])
        size, seed = options["distributors"], options["seed"]
        with self.step("Company") as note, bar("people", size) as told:
            summary = demo.load(seed=seed, distributors=size, as_of=as_of, told=lambda _seller: told(1))
            note(said(summary))
        with self.step("Goals") as note:
            note(f"{demo.set_goals(as_of=as_of):,} set from own history")
        jenna, *others = signins.of_the_field()
        sign_ins = [jenna, *signins.HQ, *others]
        with self.step("Sign-ins") as note:
            note(f"{signins.make(sign_ins, password=self.password())} made")
        with self.step("Priorities"):
            plans.load(as_of=as_of, by=user_of(signins.EDITOR), approved_by=user_of(signins.APPROVER))
        self.content(only_known_lines=False)
        with self.step("Outreach") as note:
            senders = Distributor.objects.with_market().filter(user__email__in=[one.email for one in sign_ins])
            note(f"{messages.load(senders.order_by('pk'), seed=seed, as_of=as_of)} messages sent")
        self.scales_and_rules(as_of)
        return sign_ins

    def load_complete_journey(self, options: dict[str, Any]) -> list[signins.SignIn]:
        now, limit = timezone.now(), options["limit"]
        market = complete_journey.open_market()
        today = market.local_day(now)
        stands = complete_journey.day_for_today(today, day(options["as_of"]))
        shift = (today - stands).days
        events = complete_journey.events(limit, shift, until=now)
        with self.step("Purchases") as note, bar("events", limit or complete_journey.BASKETS) as told:
            note(f"{stands} of the data is today; {said(bulk(events, received_at=now, progress=told))}")
        people = list(Distributor.objects.active().with_market().order_by("pk"))
        with self.step("Goals") as note:
            note(f"{goals.set_from_history(people, STORE_WISHES, as_of=now):,} set from own history")
        sign_ins = [*signins.HQ, *signins.of_stores(STORE_SIGN_INS, since=today - timedelta(weeks=12))]
        with self.step("Sign-ins") as note:
            note(f"{signins.make(sign_ins, password=self.password())} made")
        with self.step("Priorities"):
            plans.load_for_stores(as_of=now, by=user_of(signins.EDITOR), approved_by=user_of(signins.APPROVER))
        self.content(only_known_lines=True)
        self.scales_and_rules(now)
        return sign_ins

    def content(self, *, only_known_lines: bool) -> None:
        with self.step("Library") as note:
            note(f"{starter_items.load(only_known_lines=only_known_lines)} items added")
        with self.step("Catalogue") as note:
            loaded = catalogue.load(only_known_lines=only_known_lines)
            note(f"{loaded.activities} activities, {loaded.texts} texts")
        with self.step("Messages") as note:
            added = starter_texts.load()
            note(f"{added.messages} messages, {added.texts} texts, {added.phrases} blocked phrases")

    def scales_and_rules(self, as_of: datetime) -> None:
        with self.step("Chances") as note:
            note(f"{demo.forecast(as_of=as_of):,} people calculated ahead")
        with self.step("Scales") as note:
            frozen = freezing.freeze_at(as_of=as_of, sample=SCALED_BY)
            note(f"from {frozen.people if frozen else 0} people")
        with self.step("Rules") as note:
            decline.fit(as_of)
            reordering.fit(as_of)
            live = plans.rules(as_of=as_of, by=user_of(signins.EDITOR), approved_by=user_of(signins.APPROVER))
            fired = sum(market.fired for market in sweep.sweep(as_of))
            note(f"{len(live)} live, {fired:,} times fired")

    def password(self) -> str:
        """One for all demo sign-ins."""
        if not hasattr(self, "_password"):
            self._password = os.environ.get("PEP_DEMO_PASSWORD") or secrets.token_urlsafe(9)
        return self._password

    def hand_out(self, sign_ins: list[signins.SignIn], *, printed: bool) -> None:
        text = table(sign_ins, self.password())
        write_for_me_only(settings.DATA_DIR / "demo-sign-ins.txt", text)
        if printed:
            self.stdout.write(f"\n{text}\n")

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """One line when it is done: what, how long, and a word about it."""
        words: list[str] = []
        begun = time.monotonic()
        yield words.append
        self.stdout.write(f"{name:<14}{time.monotonic() - begun:6.1f} s  {' '.join(words)}".rstrip())
        self.stdout.flush()


class Plain(RawDescriptionHelpFormatter):
    """The help text keeps its paragraphs."""


def refuse_what_makes_no_sense(data: str, options: dict[str, Any]) -> None:
    if data == YOUSYSTEM and options["limit"] is not None:
        raise CommandError("--limit is for --data complete-journey; --distributors sizes YouSystem.")
    if options["distributors"] < demo.CAST:
        raise CommandError(f"--distributors is at least {demo.CAST}: Jenna, her sponsor and her team.")
    if options["as_of"] is not None:
        moment(options["as_of"])
    if options["limit"] is not None and options["limit"] < 1:
        raise CommandError("--limit is at least 1.")


def moment(text: str | None) -> datetime:
    """An ISO moment; without a zone it is UTC. At most now: nothing may have happened in the future."""
    if text is None:
        return timezone.now()
    try:
        asked = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"--as-of {text} is not a moment such as 2026-08-27T15:00Z.") from error
    asked = asked if asked.tzinfo else timezone.make_aware(asked)
    if asked > timezone.now():
        raise CommandError(f"--as-of {text} is in the future.")
    return asked


def day(text: str | None) -> Any:
    return None if text is None else moment(text).date()


def said(summary: Summary) -> str:
    if summary.failed:
        raise CommandError(f"The events were not accepted: {summary.errors[0]}")
    return f"{summary.stored:,} events, {summary.events_per_second:,.0f} a second"


@contextmanager
def bar(unit: str, total: int) -> Iterator[Callable[[int], object]]:
    """A progress bar on a terminal, nothing elsewhere."""
    with tqdm(total=total, unit=f" {unit}", disable=None, leave=False) as progress:
        yield progress.update


def user_of(sign_in: signins.SignIn) -> User:
    return User.objects.get(email=sign_in.email)


def table(sign_ins: list[signins.SignIn], password: str) -> str:
    wide = max(len(one.email) for one in sign_ins)
    rows = [f"  {one.email:<{wide}}  {one.role.label!s:<14}  {one.name}" for one in sign_ins]
    return "\n".join(["Demo sign-ins, one password for all:", "", *rows, "", f"  Password: {password}", ""])


def write_for_me_only(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
