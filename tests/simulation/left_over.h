#pragma once

#include <set>
#include <string>
#include <vector>

#include "estate.h"

namespace certferry::simulation {

// What stands somewhere and nothing needs it any longer: TXT values, certificates of IAM, generations of a directory on
// one of these machines; what a ledger tells of and is not there; and what is gone of somebody else's. Of certificates
// in `ailing`, which cannot be obtained, more may stay.
std::vector<std::string> left_over(Estate& estate, const std::set<std::string>& ailing,
                                   const std::vector<std::string>& machines);

// Ours that are left among these ("NAME VALUE"), and those of somebody else that are gone from them.
std::vector<std::string> records_amiss(Estate& estate, const std::vector<std::string>& present);

}  // namespace certferry::simulation
