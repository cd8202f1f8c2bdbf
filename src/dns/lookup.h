#pragma once

#include "outside/resolver.h"

namespace certferry {

// What the resolvers, this machine's or those of [challenge] resolvers, answer. That there is nothing is an answer:
// NXDOMAIN, or no record of that type. Failure: transient, also where they answer SERVFAIL, REFUSED or anything else
// that has no records and says nothing of whether there are any.
Task<dns::Answer> looked_up(Resolver& resolver, dns::Question question);
// Throws that Failure where `answer` is no answer.
void require_answer(const dns::Answer& answer, const dns::Question& question);

}  // namespace certferry
