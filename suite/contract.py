"""The version of the contract between the suite and its plugins, and whether a plugin fits it.

The contract is what `suite.__all__` offers: the methods of `Task`, the names of `Plugin`, what the
configuration of tasks and data holds. Its version is a whole number that goes up only when plugins
have to change for it; what is added beside it does not raise it.
"""

import importlib.metadata
from importlib.metadata import EntryPoint

from suite.errors import PluginError

CONTRACT = 1
"""Version of the contract that this suite keeps."""
OLDEST = 1
"""Oldest version that plugins may be written for."""
CHANGES: dict[int, str] = {}
"""What a plugin has to change for a version, by the version, for those after the first."""
DISTRIBUTION = "triathlon"


def check_contract(version: int) -> None:
    """Raise a `PluginError` unless plugins for this version of the contract work here."""
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise PluginError(f"contract={version!r}: must be a whole number from 1 on; say {CONTRACT}")
    here = f"this is {DISTRIBUTION} {_version()}, of contract {CONTRACT}"
    if version > CONTRACT:
        raise PluginError(
            f"contract={version}: is of a later {DISTRIBUTION}, and {here}; "
            f"pip install --upgrade {DISTRIBUTION}"
        )
    if version < OLDEST:
        since = "".join(
            f"; contract {number}: {change}"
            for number, change in sorted(CHANGES.items())
            if number > version
        )
        raise PluginError(
            f"contract={version}: is too old, as {here}, which takes plugins from contract "
            f"{OLDEST} on; install a later version of the plugin, or mend it{since}"
        )


def check_requirement(entry: EntryPoint) -> None:
    """Raise a `PluginError` where the plugin's distribution asks for another version of the suite.

    pip says so when it installs, but what is upgraded afterwards is not asked again.
    """
    wanted = _wanted(entry)
    here = _version()
    if wanted and not _holds(wanted, here):
        raise PluginError(
            f"asks for {DISTRIBUTION}{wanted}, and this is {here}: pip install "
            f"'{DISTRIBUTION}{wanted}', or another version of the plugin"
        )


def skew(entry: EntryPoint) -> str:
    """Return what to tell of versions where the import of a plugin fails on a name of the suite."""
    wanted = _wanted(entry)
    asks = f", and it asks for {DISTRIBUTION}{wanted}" if wanted else ""
    return f" (this is {DISTRIBUTION} {_version()}, of contract {CONTRACT}{asks})"


def _wanted(entry: EntryPoint) -> str:
    """Return which versions of the suite the plugin's distribution asks for, as `>=0.1,<0.2`."""
    distribution = getattr(entry, "dist", None)
    if distribution is None or distribution.name.lower() == DISTRIBUTION:
        return ""
    asking = [one for one in distribution.requires or () if one.lower().startswith(DISTRIBUTION)]
    if not asking:
        return ""
    from packaging.requirements import InvalidRequirement, Requirement

    for one in asking:
        try:
            requirement = Requirement(one)
        except InvalidRequirement:
            continue
        if requirement.name.lower() == DISTRIBUTION:
            return str(requirement.specifier)
    return ""


def _holds(wanted: str, version: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(wanted).contains(version, prereleases=True)


def _version() -> str:
    return importlib.metadata.version(DISTRIBUTION)
