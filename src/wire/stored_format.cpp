#include "wire/stored_format.h"

#include <fmt/format.h>
#include <limits>

#include "base/failure.h"

namespace certferry {

void require_format(const Json& stored, int newest, std::string_view what) {
  auto format = stored.integer("format");
  if (!format || *format < 1)
    throw Failure(Failure::Kind::refused,
                  fmt::format("{}: no value that certferry stored (\"format\" is missing)", what),
                  "Restore it from a backup of the store");
  if (*format > newest)
    throw Failure(
        Failure::Kind::refused,
        fmt::format("{}: written in format {} by a newer certferry; this one knows {}", what, *format, newest),
        "Run the certferry version that wrote it, or a newer one");
}

int stored_count(const Json& object, std::string_view key) {
  std::int64_t value = object.at(key).as_integer();
  if (value < 0 || value > std::numeric_limits<int>::max())
    throw Failure(Failure::Kind::refused, fmt::format("JSON: \"{}\" is out of range: {}", key, value),
                  "Restore this record as certferry wrote it");
  return static_cast<int>(value);
}

}  // namespace certferry
