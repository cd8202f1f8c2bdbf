"""One certificate for twenty names in one zone; the account exists."""

from rig import compare

compare("Twenty names in one certificate", 5, lambda zone: [f"n{i}.{zone}" for i in range(20)])
