#include "cli/step_subject.h"

#include <fmt/format.h>
#include <vector>

namespace certferry {
namespace {

std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto slash = text.find('/');
    parts.push_back(text.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    text.remove_prefix(slash + 1);
  }
}

}  // namespace

// deploy/target.h and deploy/shelf.h say what ids look like.
std::string step_subject(std::string_view id) {
  const auto parts = parts_of(id);
  const std::string_view kind = parts.front();
  // listener/arn:PARTITION:elasticloadbalancing:REGION:ACCOUNT:listener/app/NAME/ID/LISTENER
  if (kind == "listener" && parts.size() == 6)
    return fmt::format("{} {}/{}", parts[2] == "app" ? "ALB" : "NLB", parts[3], parts[5]);
  // elb/PARTITION/ACCOUNT/REGION/NAME:PORT
  if (kind == "elb" && parts.size() == 5) return fmt::format("classic ELB {}", parts[4]);
  // iam/PARTITION/ACCOUNT/PATH
  if (kind == "iam" && parts.size() > 3)
    return fmt::format("IAM {}", id.substr(static_cast<std::size_t>(parts[3].data() - id.data())));
  // files/host/HOST/DIRECTORY
  if (kind == "files" && parts.size() > 3)
    return fmt::format("files {}", id.substr(static_cast<std::size_t>(parts[3].data() - id.data()) - 1));
  return std::string{id};
}

}  // namespace certferry
