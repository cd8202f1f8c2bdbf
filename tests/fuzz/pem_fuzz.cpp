// PEM from a CA, from AWS, from a file: read or refused, never worse.
#include <cstddef>
#include <cstdint>

#include "base/failure.h"
#include "crypto/chain.h"
#include "crypto/pem.h"
#include "crypto/private_key.h"
#include "fuzzing.h"

namespace {

template <class Attempt>
void refused_at_worst(Attempt attempt) {
  try {
    attempt();
  } catch (const certferry::Failure&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace certferry;
  const BytesView text = fuzz::view(data, size);
  refused_at_worst([&] {
    for (const PemBlock& block : parse_pem(text, PemText::skipped)) {
      const auto again = parse_pem(pem_block(block.label, block.content), PemText::refused);
      fuzz::hold(again.size() == 1 && again[0].label == block.label && again[0].content == block.content,
                 "a block written is read as what it was");
    }
  });
  refused_at_worst([&] {
    const Chain chain = parse_chain(text);
    fuzz::hold(parse_chain(BytesView{chain.pem()}) == chain, "a chain written is read as what it was");
  });
  refused_at_worst([&] { Roots::from_pem(text); });
  refused_at_worst([&] { PrivateKey::from_pem(Secret{std::string{text}}).public_part(); });
  return 0;
}
