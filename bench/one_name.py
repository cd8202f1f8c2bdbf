"""One certificate for one name; the account exists."""

from rig import compare

compare("One name", 10, lambda zone: [f"www.{zone}"])
