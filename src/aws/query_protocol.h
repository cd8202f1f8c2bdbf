#pragma once

#include <string>

#include "aws/client.h"
#include "wire/xml.h"

namespace certferry::aws {

// The Query protocol of IAM, ELB and STS: a form with Action and Version.
Call query_call(std::string service, std::string version, std::string operation, std::string object,
                QueryParameters parameters);

// <OperationResult> of an answer, or the root where there is none. Throws Failure (transient) for what is no such XML.
Xml query_result(const Call& call, const http::Response& answer);

// An answer of the XML services, whose root is `root`, or <OperationResponse>; the failure names the call. A page of
// somebody who stands between may be good XML too: read as a list, it would be an empty one, and what it ought to hold
// would be taken for gone.
Xml xml_answer(const Call& call, const http::Response& answer, std::string_view root = "");

}  // namespace certferry::aws
