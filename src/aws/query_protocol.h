#pragma once

#include <string>
#include <vector>

#include "aws/client.h"
#include "aws/xml_protocol.h"

namespace certferry::aws {

// The Query protocol of IAM, ELB and STS: a form with Action and Version.
Call query_call(std::string service, std::string version, std::string operation, std::string object,
                QueryParameters parameters);

// A list of texts, numbered from 1: "ActionNames.member.1".
void add_members(QueryParameters& parameters, const std::string& list, const std::vector<std::string>& members);

// <OperationResult> of an answer, or the root where there is none. Failure: xml_answer.
Xml query_result(const Call& call, const http::Response& answer);

// Sends a change whose answer bears no more than that it was done. The answer is read all the same: with a page of
// somebody who stands between nothing may have been done. Failure: outcome_unknown for such a page, else as send().
Task<> carry_out(Client& client, Call call);

}  // namespace certferry::aws
