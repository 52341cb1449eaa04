"""Nothing asks for the network: what is not there should be told, not fetched unasked."""

from suite.checking.check import Broken, Check
from suite.checking.subject import Subject


def _look(subject: Subject) -> str:
    if not subject.attempts:
        return "no host was asked for"
    hosts = list(dict.fromkeys(attempt.host for attempt in subject.attempts))
    where = next((attempt.where for attempt in subject.attempts if attempt.where), "")
    raise Broken(
        f"offline: asks for {', '.join(hosts)}" + (f", in {where}" if where else ""),
        mend="fetch where data.download=true alone, to the cache; else say what to download and "
        "where to put it (suite.DataError)",
    )


OFFLINE = Check(
    name="offline",
    looks_for="no connection to another machine",
    look=_look,
    of_networks=False,
)
