#include <set>

#include "base/failure.h"
#include "config/config.h"
#include "fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const certferry::Config config = certferry::parse_config(certferry::fuzz::view(data, size), "input.toml");
    std::set<certferry::CertificateId> ids;
    for (const auto& certificate : config.certificates) {
      certferry::fuzz::hold(ids.insert(certificate.id).second, "no two certificates have one name");
      certferry::fuzz::hold(!certificate.domains.empty(), "every certificate has names");
      certferry::fuzz::hold(config.spec(certificate).directory.starts_with("https://"), "the CA is spoken to by https");
    }
    certferry::fuzz::hold(!config.state.store.starts_with("s3://") || !config.state.kms_key.empty(),
                          "what is in S3 is sealed");
  } catch (const certferry::Failure& failure) {
    certferry::fuzz::hold(failure.kind() == certferry::Failure::Kind::refused, "what is broken is refused");
    certferry::fuzz::hold(std::string_view{failure.what()}.starts_with("input.toml:"), "a refusal names its place");
    certferry::fuzz::hold(!failure.next().empty(), "a refusal says what to do");
  }
  return 0;
}
