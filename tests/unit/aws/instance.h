#pragma once

#include <string>

#include "base/limits/aws.h"
#include "replay.h"

namespace certferry::aws::testing {

inline std::string key_document(const std::string& id, const std::string& expires) {
  return R"({"Code":"Success","AccessKeyId":")" + id +
         R"(","SecretAccessKey":"secretsecret","Token":"tokentoken","Expiration":")" + expires + "\"}";
}

inline void answer_instance(Paper& paper, const std::string& id, const std::string& expires, bool token = true) {
  if (token) paper.transport.answer(200, "imds-token");
  paper.transport.answer(200, "web\n");
  paper.transport.answer(200, key_document(id, expires));
}

// A request that the service does not answer, each time that it is sent again.
inline void hang(Paper& paper) {
  paper.transport.on_send = [&paper] { paper.clock.pass(limits::aws::instance_metadata_deadline); };
  for (int i = 0; i < limits::aws::metadata_attempts; ++i)
    paper.transport.fail(Failure::Kind::outcome_unknown, "no answer within 1 s");
}

}  // namespace certferry::aws::testing
