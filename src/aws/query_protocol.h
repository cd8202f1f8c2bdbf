#pragma once

#include <string>
#include <vector>

#include "aws/client.h"
#include "base/names.h"
#include "wire/xml.h"

namespace certferry::aws {

// The Query protocol of IAM, ELB and STS: a form with Action and Version.
Call query_call(std::string service, std::string version, std::string operation, std::string object,
                QueryParameters parameters);

// A list of texts, numbered from 1: "ActionNames.member.1".
void add_members(QueryParameters& parameters, const std::string& list, const std::vector<std::string>& members);

// <OperationResult> of an answer, or the root where there is none. Throws Failure (transient) for what is no such XML.
Xml query_result(const Call& call, const http::Response& answer);

// An answer of the XML services, whose root is `root`, or <OperationResponse>; the failure names the call. A page of
// somebody who stands between may be good XML too: read as a list, it would be an empty one, and what it ought to hold
// would be taken for gone.
Xml xml_answer(const Call& call, const http::Response& answer, std::string_view root = "");

// An ARN in the answer to `call`. Failure: it is none; outcome_unknown after what may not be repeated, else refused.
Arn answered_arn(const Call& call, const std::string& text);

// Sends a change whose answer bears no more than that it was done. The answer is read all the same: with a page of
// somebody who stands between nothing may have been done. Failure: outcome_unknown for such a page, else as send().
Task<> carry_out(Client& client, Call call);

// What somebody else answered in the service's place to a change: outcome_unknown.
Failure not_the_services_word(const Call& call, std::string_view why);

}  // namespace certferry::aws
