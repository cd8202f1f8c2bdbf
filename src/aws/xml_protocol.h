#pragma once

#include <string>
#include <string_view>

#include "aws/client.h"
#include "base/names.h"
#include "wire/xml.h"

namespace certferry::aws {

// A call of REST XML (Route 53, S3): what it asks for is in method and path, and in the document, where it has one.
Call rest_xml_call(std::string service, std::string operation, std::string object, std::string method, std::string path,
                   Bytes document = {});

// An answer of the XML services, whose root is `root`, or <OperationResponse>. A page of somebody who stands between
// may be good XML too: read as a list, it would be an empty one, and what it ought to hold would be taken for gone.
// Failure: unfit_answer.
Xml xml_answer(const Call& call, const http::Response& answer, std::string_view root = "");

// What a service always writes into this answer: an empty list too. Failure: unfit_answer where it is not there.
Xml expected(const Call& call, const Xml& answer, std::string_view path);

// An ARN in the answer to `call`. Failure: it is none; outcome_unknown after what may not be repeated, else refused.
Arn answered_arn(const Call& call, const std::string& text);

}  // namespace certferry::aws
