#include "aws/client.h"
#include "aws/errors.h"
#include "aws/metadata_document.h"
#include "aws/route53.h"
#include "base/failure.h"
#include "fuzzing.h"

namespace aws = certferry::aws;

// The input as the body of a refused call, as a document of credentials and as a TXT value.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text{certferry::fuzz::view(data, size)};
  aws::Call call{.service = "s3", .operation = "PutObject", .object = "s3://b/k", .bucket = "b"};
  call.repeatable = false;
  for (int status : {301, 400, 403, 500}) {
    aws::Refusal refused = aws::refusal(call, {.status = status, .headers = {}, .body = text}, {}, "the test");
    certferry::fuzz::hold(!refused.failure.next().empty(), "every failure says what to do");
    certferry::fuzz::hold(std::string_view{refused.failure.what()}.size() < 4096, "no message floods the terminal");
    bool unknown = refused.failure.kind() == certferry::Failure::Kind::outcome_unknown;
    certferry::fuzz::hold(!unknown || refused.retry != aws::Retry::surely_not_done, "what may be done is not repeated");
  }
  try {
    aws::credentials_document(text, "the test");
  } catch (const certferry::Failure&) {
  }
  if (auto bytes = aws::txt_unquoted(text))
    certferry::fuzz::hold(aws::txt_unquoted(aws::txt_quoted(*bytes)) == bytes, "a TXT value is read as it was written");
  return 0;
}
