"""SIGKILL at moments drawn from a printed seed, then a rerun: one certificate, no TXT left, one account."""

import json
import os
import random
import signal

from conftest import certificate


def test_killed_at_ten_moments_the_rerun_ends_clean(certferry, aws, ca, ca_door):
    seed = int(os.environ.get("CERTFERRY_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"CERTFERRY_SEED={seed}")
    dice = random.Random(seed)
    zone = aws.zone("killed.example.org")
    killed = 0
    for attempt in range(10):
        name = f"k{attempt}.killed.example.org"
        certferry.configure(certificate(f"k{attempt}", [name], {"files": str(certferry.folder / f"k{attempt}")}), ca=ca_door)
        began = len(ca.requests())
        # A request count, not a time: the n-th to the CA, which has not heard of it yet, or whose answer is on its way.
        ca_door.hold.ask(dice.choice(["before", "after"]), dice.randrange(1, 9))
        run = certferry.start("apply", "--config", str(certferry.config))
        ca_door.hold.held()
        run.send_signal(signal.SIGKILL)
        ca_door.hold.let_go()
        run.communicate()
        killed += run.returncode == -signal.SIGKILL
        certferry.apply()
        made = ca.requests()[began:]
        assert made.count("/order-plz") <= 2, f"attempt {attempt}, seed {seed}: asked once more where the reply was lost"
        assert len({p for p in made if p.startswith("/finalize-order/")}) == 1, f"attempt {attempt}, seed {seed}: {made}"
        assert (certferry.folder / f"k{attempt}" / "live" / "fullchain.pem").exists(), f"attempt {attempt}, seed {seed}"
    assert killed >= 7, f"seed {seed}: {killed} of 10 were killed, the others had ended: nothing was tried"
    assert aws.txt_sets(zone) == [], f"seed {seed}"
    registrations = [status for _, path, _, status in ca_door.requests if path == "/sign-me-up"]
    # RFC 8555 section 7.3.1: 200 for one that exists already, as where the reply was lost.
    assert registrations.count(201) == 1 and set(registrations) <= {200, 201}, f"seed {seed}: {registrations}"


def test_sigterm_withdraws_or_parks_and_the_rerun_goes_on(certferry, aws, ca_door):
    zone = aws.zone("termed.example.org")
    www = certificate("www", ["www.termed.example.org"], {"files": str(certferry.folder / "tls")})
    certferry.configure(www, ca=ca_door)
    ca_door.hold.ask("after", 4)
    run = certferry.start("apply", "--json", "--config", str(certferry.config))
    assert ca_door.hold.held()
    run.send_signal(signal.SIGTERM)
    ca_door.hold.let_go()
    out, err = run.communicate(timeout=60)
    assert run.returncode == 1 and json.loads(out)["error"] == "stopped by a signal", out + err
    certferry.apply()
    assert aws.txt_sets(zone) == []
    assert (certferry.folder / "tls" / "live" / "fullchain.pem").exists()
