#pragma once

#include <set>
#include <string>
#include <vector>

#include "estate.h"

namespace certferry::simulation {

std::vector<std::string> names_as_text(const std::vector<DomainName>& names);  // sorted

// What the last run could not do, but for the certificates in `ailing` and for what only others can end.
std::vector<std::string> failures_of_others(Estate& estate, const std::set<std::string>& ailing);

// A run a day, until one has nothing left to do: nothing asked for that would change CA, AWS or files. One that was
// killed or stood still tells nothing: what it had claimed is left alone by the next until its heartbeat has expired,
// and what it could not do is done by the next. Empty once it is so, else what is wrong after so many days. seat: whose
// runs they are.
std::vector<std::string> becomes_quiet(Estate& estate, int days_most = 8, const sandbox::Seat& seat = {});

// The same where the certificates in `ailing` cannot be obtained, and are tried day by day: of two runs a day, until
// one day neither failed in anything of the others, changed anything for them outside, or wrote it down twice.
std::vector<std::string> leaves_others_alone(Estate& estate, const std::set<std::string>& ailing, int days_most = 8,
                                             const sandbox::Seat& seat = {});

// What the second of two more rounds, at once, of a run on each of these seats asks to change, its own state included,
// but for the heartbeat of its instance; "a run with nothing to do asked for ...": nobody undoes what another one did.
// Where certificates are ailing, what is theirs, and all that orders ask for, is left out. Where one was killed or
// stood still nothing is told.
std::vector<std::string> writes_though_quiet(Estate& estate, const std::vector<sandbox::Seat>& seats = {{}},
                                             const std::set<std::string>& ailing = {});

// What is not as it should be once all is quiet: the last run failed; a certificate is not valid, or a target of it
// does not show the newest one; a record, a certificate or anything of a generation's directory is left over; somebody
// else's record is gone; a ledger tells of what is not there. Certificates in `ailing` cannot be obtained: nothing is
// expected of them but that nothing is left over, and no other fails. Files and their ledgers are looked at on
// all of `machines`.
std::vector<std::string> not_well(Estate& estate, const std::set<std::string>& ailing = {},
                                  const std::vector<std::string>& machines = {"main"});

// What one undisturbed run, a day after all that went wrong, has to put right, whatever landed late before it: it
// failed in something; a certificate is not valid, or due for hours; a target, on the machine of the run, does not show
// the newest one; a record is left over. Excused is what could not be got by an order that the CA had failed, but for a
// validation that failed in the run itself. first_event: of the world's, at which the run began.
std::vector<std::string> not_repaired(Estate& estate, std::size_t first_event = 0, const std::string& machine = "main");

}  // namespace certferry::simulation
