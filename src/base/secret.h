#pragma once

#include <string>
#include <string_view>

namespace certferry {

// A value that must not be seen: a private key, a token, a MAC key. Wiped when it goes, movable, never copied by
// accident, without a stream operator; quoted() and the log replace it wherever it would appear.
class Secret {
 public:
  explicit Secret(std::string value);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  // The bytes themselves, for the one call that needs them.
  std::string_view reveal() const { return value_; }
  Secret clone() const { return Secret{std::string{value_}}; }
  bool empty() const { return value_.empty(); }

 private:
  void forget() noexcept;
  std::string value_;
};

// `text` with the value of every living Secret (of 8 bytes or more) replaced by "[secret]".
std::string redacted(std::string_view text);

}  // namespace certferry
