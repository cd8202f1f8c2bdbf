#include "base/failure.h"
#include "fuzzing.h"
#include "plan/record.h"
#include "state/envelope.h"
#include "state/index.h"
#include "state/journal.h"
#include "state/s3_object.h"

namespace {

using certferry::Failure;
using certferry::Json;

// What is refused is refused by a Failure that a person must look at; nothing else may come out.
template <class Read>
void read_or_refuse(Read read) {
  try {
    read();
  } catch (const Failure& failure) {
    certferry::fuzz::hold(failure.kind() == Failure::Kind::refused, "what is no value of ours is refused");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = certferry::fuzz::view(data, size);
  read_or_refuse([&] {
    const certferry::JournalView view = certferry::parse_journal(input, "journal");
    certferry::fuzz::hold(view.steps.is_object() && view.notes.is_object(), "steps and notes can be looked up");
  });
  read_or_refuse([&] {
    const auto record = certferry::from_json<certferry::Record>(Json::parse(input, "record"));
    const std::string text = to_json(record).dump();
    certferry::fuzz::hold(to_json(certferry::from_json<certferry::Record>(Json::parse(text, "ours"))).dump() == text,
                          "a record that was read is written as it is read");
  });
  read_or_refuse([&] {
    const certferry::Index::Shard shard = certferry::parse_index_shard(input, "index/3f");
    certferry::fuzz::hold(certferry::parse_index_shard(certferry::index_shard(shard), "ours") == shard,
                          "a shard that was read is written as it is read");
  });
  read_or_refuse([&] { certferry::parse_envelope(input, "kms", "secret/www/1"); });
  read_or_refuse([&] {
    const certferry::S3Body body = certferry::parse_s3_body(input, "s3://state/k");
    certferry::fuzz::hold(certferry::parse_s3_body(to_bytes(body), "ours").value == body.value, "octets stay");
  });
  return 0;
}
