#include "state/configured_sealing.h"

#include "state/envelope.h"

namespace certferry {
namespace {

class ConfiguredSealing final : public Sealing {
 public:
  // Null: there is no such seal. One of the two is there.
  ConfiguredSealing(std::unique_ptr<Sealing> kms, std::unique_ptr<Sealing> file, bool by_kms)
      : kms_(std::move(kms)), file_(std::move(file)), seals_(by_kms || !file_ ? *kms_ : *file_) {}

  Task<Bytes> seal(Secret plain, std::string context) override {
    co_return co_await seals_.seal(std::move(plain), std::move(context));
  }

  // Whatever is no envelope is refused by the seal of now.
  Task<Secret> open(Bytes sealed, std::string context) override {
    const std::string by = seal_of(sealed);
    Sealing* one = by == "kms" ? kms_.get() : by == "file" ? file_.get() : nullptr;
    co_return co_await (one != nullptr ? *one : seals_).open(std::move(sealed), std::move(context));
  }

 private:
  std::unique_ptr<Sealing> kms_, file_;
  Sealing& seals_;
};

}  // namespace

std::unique_ptr<Sealing> configured_sealing(Outside& outside, aws::Client* aws, const std::string& kms_key,
                                            const Path& key_file) {
  const bool by_kms = aws != nullptr && !kms_key.empty();
  auto kms = aws != nullptr ? kms_sealing(outside, *aws, kms_key) : nullptr;
  auto file = key_file.empty() && kms ? nullptr : file_sealing(outside, key_file);
  return std::make_unique<ConfiguredSealing>(std::move(kms), std::move(file), by_kms);
}

}  // namespace certferry
