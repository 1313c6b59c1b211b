r"""Print an apt source entry for another suite's source packages, from this machine's own entry.

apt says which of its entries brings Debian's own release; that entry is copied with the suite
changed, so mirror, proxy and signing key stay those that the machine already trusts.

    apt-get indextargets --format \
        '$(SOURCESENTRY)|$(REPO_URI)|$(RELEASE)|$(CODENAME)|$(ORIGIN)|$(COMPONENT)' \
        'Created-By: Packages' | newer_source.py bookworm trixie
"""

import sys
from pathlib import Path


def own_entry(targets: str, codename: str) -> tuple[Path, str, str]:
    """The file, address and suite of the entry that brings Debian's own release."""
    for line in targets.splitlines():
        entry, uri, suite, name, origin, component = line.split("|")
        if (name, origin, component) == (codename, "Debian", "main"):
            return Path(entry.rpartition(":")[0]), uri, suite
    raise SystemExit(f"no apt source brings Debian {codename}: is `apt-get update` done?")


def from_stanzas(text: str, uri: str, suite: str, newer: str) -> str | None:
    """The entry out of a file of stanzas (deb822), its key kept, also one written out in full."""
    for stanza in text.split("\n\n"):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace():
                fields[name] += f"\n{line}"
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().title()
                fields[name] = value.strip()
        addresses = {address.rstrip("/") for address in fields.get("Uris", "").split()}
        if uri.rstrip("/") in addresses and suite in fields.get("Suites", "").split():
            fields |= {"Types": "deb-src", "Uris": uri, "Suites": newer, "Components": "main"}
            for field in ("Enabled", "Architectures", "Targets"):
                fields.pop(field, None)
            return "".join(f"{name}: {value}\n" for name, value in fields.items())
    return None


def from_lines(text: str, uri: str, suite: str, newer: str) -> str | None:
    """The entry out of a file of one line each, as a stanza."""
    for line in text.splitlines():
        kind, _, rest = line.partition("#")[0].strip().partition(" ")
        options, address = {}, rest.strip()
        if address.startswith("["):
            written, _, address = address[1:].partition("]")
            options = dict(option.split("=", 1) for option in written.split())
        words = address.split()
        if kind == "deb" and words[1:2] == [suite] and words[0].rstrip("/") == uri.rstrip("/"):
            key = options.get("signed-by")
            return (
                f"Types: deb-src\nUris: {uri}\nSuites: {newer}\nComponents: main\n"
                + (f"Signed-By: {key}\n" if key else "")
                + (f"Trusted: {options['trusted']}\n" if "trusted" in options else "")
            )
    return None


def main(targets: str, codename: str, newer: str) -> str:
    path, uri, suite = own_entry(targets, codename)
    read = from_stanzas if path.suffix == ".sources" else from_lines
    entry = read(path.read_text(), uri, suite, newer)
    if entry is None:
        raise SystemExit(f"{path}: no entry for suite {suite} found")
    return entry


if __name__ == "__main__":
    sys.stdout.write(main(sys.stdin.read(), *sys.argv[1:]))
