"""A reader and writer of its own of the SQLite store, by docs/journal.md: what somebody does who has the file alone."""

import functools
import hashlib
import operator
import sqlite3


def _number(octets):
    return int.from_bytes(octets, "big")


def _digest_of_whole(database, last_version):
    entries = database.execute("SELECT key, version, digest FROM entry")
    lines = [f"{key}\n{version}\n".encode() + digest for key, version, digest in entries]
    lines.append(str(last_version).encode())
    together = functools.reduce(operator.xor, (_number(hashlib.sha256(line).digest()) for line in lines))
    return together.to_bytes(32, "big")


def remove_entries(path, prefix):
    """Removes the entries whose keys begin so, as if they had never been written; returns how many there were."""
    database = sqlite3.connect(path)
    with database:
        (last_version, digest), = database.execute("SELECT last_version, digest FROM whole")
        assert _digest_of_whole(database, last_version) == digest, "docs/journal.md says otherwise of the digest"
        removed = database.execute("DELETE FROM entry WHERE substr(key, 1, length(?1)) = ?1", (prefix,)).rowcount
        database.execute("UPDATE whole SET digest = ?", (_digest_of_whole(database, last_version),))
    database.close()
    return removed
