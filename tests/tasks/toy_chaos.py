"""The toy of `toy_run.py` over two processes, one of which, or all of which, are killed at one moment.

    python toy_chaos.py FOLDER OUT WHO:EVENT:COUNT:WHOM

WHO is the process that strikes, `0` or `1` for a worker and `first` for the one that started them; it strikes when it
comes to its COUNT-th EVENT: `ask` (a batch is about to be answered), `tear` (half of a batch is in the journal),
`wrote` (all of it is, and nobody knows yet), `hear` (the first process is told of one), `replace` (a file of the run
directory is about to appear). WHOM is `self` or `all`. It happens once, however often the program is started; where a
worker strikes, the other one answers nothing before, so that the moment comes however the machine divides its time.
"""

import multiprocessing
import os
import signal
import sys
from functools import partial
from pathlib import Path

import toy_run

from tasks.crew import Crew
from tasks.run import RunOptions, Shared, evaluate
from tasks.seat import Seat


class Strike:
    """Counts one sort of event in one process, and kills when its number comes up."""

    def __init__(self, moment, mark):
        self.who, self.event, count, self.whom = moment.split(":")
        self.left = int(count)
        self._mark = mark

    def at(self, event):
        """Note that something happens; return whether this is the moment."""
        if event != self.event:
            return False
        self.left -= 1
        return self.left == 0 and toy_run.first_time(self._mark)

    def now(self):
        """Kill."""
        if self.whom == "all":
            os.killpg(os.getpgid(0), signal.SIGKILL)
        toy_run.die()


class Struck(toy_run.Steady):
    """The steady model in a worker that strikes."""

    def __init__(self, strike):
        super().__init__()
        self._strike = strike

    def predict(self, queries):
        if self._strike.at("ask"):
            self._strike.now()
        return super().predict(queries)


def load(moment, mark, options):
    """Load the model in a worker, and watch what the worker writes if it is the one to strike."""
    strike = Strike(moment, mark)
    if multiprocessing.current_process().name != f"rank-{strike.who}":
        return toy_run.Steady(lambda number: strike.who == "first" or toy_run.until(mark.exists))
    real = os.write

    def write(file, data):
        if strike.at("tear"):
            line = bytes(data).index(b"\n")
            real(file, data[: line + line // 2])
            strike.now()
        written = real(file, data)
        if strike.at("wrote"):
            strike.now()
        return written

    os.write = write
    return Struck(strike)


def reopen(folder, moment):
    """What a worker process opens."""
    entry = toy_run.make_entry(
        None, load=partial(load, moment, Path(folder) / f"struck-{moment}"), fingerprint=lambda _: "steady"
    )
    return toy_run.make_task("rec"), toy_run.make_split(folder, 20), entry


def watch_first(strike):
    """Strike in the first process."""
    hear, replace = Seat.hear, os.replace

    def heard(seat):
        word = hear(seat)
        if word is not None and word[0] == "batch" and strike.at("hear"):
            strike.now()
        return word

    def replaced(source, target):
        if strike.at("replace"):
            strike.now()
        replace(source, target)

    Seat.hear, os.replace = heard, replaced


def main():
    """Run, and strike at the moment that was asked for."""
    folder, out, moment = sys.argv[1:]
    opener = partial(reopen, folder, moment)
    strike = Strike(moment, Path(folder) / f"struck-{moment}")
    if strike.who == "first":
        watch_first(strike)
    with Crew(2) as crew:
        evaluate(*opener(), RunOptions(out=Path(out), batch_size=3, processes=2, code="toy"), Shared(crew, opener))


if __name__ == "__main__":
    main()
