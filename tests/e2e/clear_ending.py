"""How a run that cannot do what it was asked for has to end."""

import re

# What a program shows that was not written for people.
TRACES = r"terminate called|what\(\)|core dumped|Traceback|[Aa]ssertion|std::|boost::|certferry::|Sanitizer|\b0x[0-9a-f]{6,}"


def messages(out, err):
    """(what, next) of each thing that went wrong: an outcome of the report, or why there is none."""
    return re.findall(r"^(?:failed +|certferry: )(.*)\n +-> (.*)$", out + "\n" + err, re.MULTILINE)


def ended_clearly(certferry, *said, advice, code=1, arguments=("apply",), secrets=()):
    """One message that says all of `said`, what to do next (a pattern), that exit code; no trace, no secret."""
    out, err = certferry.run(*arguments, "--config", str(certferry.config), expect=code)
    told = messages(out, err)
    assert len(told) == 1, f"{len(told)} messages\n{out}\n{err}"
    what, next_step = told[0]
    for words in said:
        assert words in what, f"{words!r} is not said\n{out}\n{err}"
    assert re.search(advice, next_step), f"{advice!r} is not advised\n{out}\n{err}"
    assert not re.search(TRACES, out + err), f"a trace\n{out}\n{err}"
    own = certferry.environment.get("AWS_SECRET_ACCESS_KEY", "PRIVATE KEY")  # some are run without
    for secret in (*secrets, own, "PRIVATE KEY"):
        assert secret not in out + err, f"a secret\n{out}\n{err}"
    return out, err
