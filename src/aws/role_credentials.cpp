#include "aws/role_credentials.h"

#include <algorithm>
#include <fmt/format.h>

#include "aws/metadata_document.h"
#include "aws/sts.h"
#include "base/failure.h"

namespace certferry::aws {
namespace {

// Whether somebody counts on a shell.
bool asks_for_a_shell(const std::vector<std::string>& argv) {
  return std::ranges::any_of(argv, [](std::string_view word) {
    return !word.empty() && (std::string_view{"|<>$`&"}.contains(word.front()) || word.ends_with(';'));
  });
}

constexpr const char* kNoShell =
    "Put it into a script, or write sh -c '...': no shell runs it, and so pipes, redirections and variables are words "
    "like any other";

}  // namespace

Task<SharedCredentials> RoleCredentials::fetch() {
  Sts sts{*sts_};
  co_return co_await sts.assume_role(role_.role, role_.session_name, role_.external_id);
}

Task<SharedCredentials> WebIdentityCredentials::fetch() {
  std::optional<Bytes> content = co_await outside().host.read(token_file_);
  while (content && (content->ends_with('\n') || content->ends_with('\r'))) content->pop_back();
  if (!content || content->empty())
    throw Failure(Failure::Kind::refused,
                  fmt::format("web identity for role {}: {} {}", role_.role, content ? "nothing is in" : "there is no",
                              quoted(token_file_)),
                  "Mount the token, or correct AWS_WEB_IDENTITY_TOKEN_FILE or web_identity_token_file");
  Secret token{std::move(*content)};
  Sts sts{*sts_};
  co_return co_await sts.assume_role_with_web_identity(role_.role, role_.session_name, token);
}

Task<Exit> ProcessCredentials::run(std::vector<std::string> argv, const std::string& subject) {
  try {
    co_return co_await outside().host.run(Command{.argv = std::move(argv), .answers = true});
  } catch (const Failure& failure) {
    throw failure.within(subject);
  }
}

Task<SharedCredentials> ProcessCredentials::fetch() {
  const std::string subject =
      profile_.empty() ? "credential_process" : fmt::format("profile {}: credential_process", quoted(profile_, 100));
  std::optional<std::vector<std::string>> argv = shell_words(command_);
  const bool shell = argv && asks_for_a_shell(*argv);
  auto refused = [&](const std::string& what) {
    return Failure(Failure::Kind::refused, subject + ": " + what,
                   shell ? kNoShell : "Run the command by hand, and correct the profile");
  };
  if (!argv || argv->empty()) throw refused("this is no command line");
  const std::string program = argv->front();
  Exit exit = co_await run(std::move(*argv), subject);
  if (exit.timed_out) throw refused(quoted(program) + " did not end");
  if (exit.status != 0) throw refused(fmt::format("{} ended with status {}", quoted(program), exit.status));
  SharedCredentials given;
  try {
    given = process_document(exit.output, subject + " " + quoted(program));
  } catch (const Failure& failure) {
    if (!shell) throw;
    throw Failure(Failure::Kind::refused, failure.what(), kNoShell);
  }
  if (given->expires && *given->expires <= now())
    throw Failure(
        Failure::Kind::refused,
        fmt::format("{}: {} gave credentials that ended on {}", subject, quoted(program), iso8601(*given->expires)),
        "Renew what the command gives; where it is good still, set this machine's clock");
  co_return given;
}

std::optional<std::vector<std::string>> shell_words(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  bool inside = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    bool escapes = c == '\\' && quote != '\'' && i + 1 < text.size();
    if (escapes && (quote == 0 || text[i + 1] == '"' || text[i + 1] == '\\')) {
      word += text[++i];
      inside = true;
    } else if (quote != 0) {
      if (c == quote)
        quote = 0;
      else
        word += c;
    } else if (c == '"' || c == '\'') {
      quote = c;
      inside = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      if (inside) out.push_back(std::exchange(word, {}));
      inside = false;
    } else {
      word += c;
      inside = true;
    }
  }
  if (quote != 0) return std::nullopt;
  if (inside) out.push_back(std::move(word));
  return out;
}

}  // namespace certferry::aws
