#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "plan/policy_formats.h"

namespace certferry {
namespace {

// A quoted template without any interpolation. source: HCL native syntax specification, "Template Expressions"
std::string hcl(std::string_view text) {
  std::string quoted = "\"";
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool template_begins = (c == '$' || c == '%') && at + 1 < text.size() && text[at + 1] == '{';
    if (c == '"' || c == '\\')
      quoted += {'\\', c};
    else if (template_begins)
      quoted += {c, c};
    else if (c == '\n')
      quoted += "\\n";
    else if (static_cast<unsigned char>(c) < ' ')
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      quoted += c;
  }
  return quoted + '"';
}

std::string hcl(const std::vector<std::string>& values, std::string_view indent) {
  if (values.size() == 1) return fmt::format("[{}]", hcl(values.front()));
  std::string list = "[\n";
  for (const std::string& value : values) list += fmt::format("{}  {},\n", indent, hcl(value));
  return list + fmt::format("{}]", indent);
}

// A name within Terraform: letters, digits and "_".
std::string label(const std::string& text) {
  std::string word;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    word += plain ? c : '_';
  }
  return word;
}

// Of a role or what is attached to it: no digit stands first.
std::string label_of(const Policy& policy) {
  const std::string word = label(iam_name(policy));
  return word.front() >= '0' && word.front() <= '9' ? "_" + word : word;
}

std::string identifiers(const PolicyPrincipal& principal, const Policy* role, std::string_view indent) {
  if (principal.made && role) return fmt::format("[aws_iam_role.{}.arn]", label_of(*role));
  return hcl(principal.names, indent);
}

struct Argument {
  std::string_view name;
  std::string value;
  bool one_line() const { return !value.contains('\n'); }
};

// As `terraform fmt` writes them: every "=" of a run of single lines in one column.
std::string lines_of(const std::vector<Argument>& arguments, std::string_view indent) {
  std::string lines;
  for (auto at = arguments.begin(); at != arguments.end();) {
    const auto end = at->one_line() ? std::ranges::find_if_not(at, arguments.end(), &Argument::one_line) : at + 1;
    std::size_t width = 0;
    for (auto one = at; one != end; ++one) width = std::max(width, one->name.size());
    for (; at != end; ++at) lines += fmt::format("{}{:<{}} = {}\n", indent, at->name, width, at->value);
  }
  return lines;
}

std::string nested(std::string_view type, const std::vector<Argument>& arguments) {
  return fmt::format("    {} {{\n{}    }}\n", type, lines_of(arguments, "      "));
}

std::string statement_block(const PolicyStatement& statement, const Policy* role) {
  constexpr std::string_view in = "    ", inner = "      ";
  std::vector<Argument> arguments{{"sid", hcl(statement.sid)}};
  if (statement.deny) arguments.push_back({"effect", hcl("Deny")});
  arguments.push_back({"actions", hcl(statement.actions, in)});
  if (!statement.resources.empty()) arguments.push_back({"resources", hcl(statement.resources, in)});
  std::string block = fmt::format("\n  # {}\n  statement {{\n{}", statement.why, lines_of(arguments, in));
  if (statement.principal)
    block += nested("principals", {{"type", hcl(statement.principal->kind)},
                                   {"identifiers", identifiers(*statement.principal, role, inner)}});
  for (const PolicyCondition& condition : statement.conditions)
    block += nested("condition", {{"test", hcl(condition.operation)},
                                  {"variable", hcl(condition.key)},
                                  {"values", hcl(condition.values, inner)}});
  return block + "  }\n";
}

// Another for each policy of a file.
std::string document_label(const Policy& policy) {
  switch (policy.kind) {
    case PolicyKind::identity:
      return label_of(policy);
    case PolicyKind::trust:
      return label_of(policy) + "_trust";
    case PolicyKind::bucket:
      return "bucket_" + label(policy.of);
    case PolicyKind::key:
      return "key_" + label(policy.of);
  }
  std::unreachable();
}

std::string block(std::string_view type, const std::string& name, const std::vector<Argument>& arguments) {
  return fmt::format("\nresource \"{}\" \"{}\" {{\n{}}}\n", type, name, lines_of(arguments, "  "));
}

std::string role_blocks(const Policy& trust, const std::string& document, const std::vector<Policy>& policies) {
  const std::string name = label_of(trust);
  std::vector<Argument> role{{"name", hcl(iam_name(trust))}, {"assume_role_policy", document}};
  if (const std::string path = iam_path(trust); path != "/") role.push_back({"path", hcl(path)});
  std::string text = block("aws_iam_role", name, role);
  const std::string reference = fmt::format("aws_iam_role.{}.name", name);
  if (const Policy* attached = attached_to(trust, policies))
    text +=
        block("aws_iam_role_policy_attachment", name,
              {{"role", reference}, {"policy_arn", fmt::format("aws_iam_policy.{}.arn", document_label(*attached))}});
  if (trusts_ec2(trust))
    text += block("aws_iam_instance_profile", name, {{"name", hcl(iam_name(trust))}, {"role", reference}});
  return text;
}

std::string blocks_of(const Policy& policy, const std::vector<Policy>& policies) {
  const std::string name = document_label(policy);
  const std::string document = fmt::format("data.aws_iam_policy_document.{}.json", name);
  switch (policy.kind) {
    case PolicyKind::identity:
      return block("aws_iam_policy", name, {{"name", hcl(iam_name(policy))}, {"policy", document}});
    case PolicyKind::trust:
      return role_blocks(policy, document, policies);
    case PolicyKind::bucket:
      return block("aws_s3_bucket_policy", name, {{"bucket", hcl(policy.of)}, {"policy", document}});
    case PolicyKind::key:
      return block("aws_kms_key_policy", name, {{"key_id", hcl(policy.of)}, {"policy", document}});
  }
  std::unreachable();
}

}  // namespace

std::string terraform(const std::vector<Policy>& policies) {
  const Policy* role = own_role(policies);
  std::string text = "# Written by `certferry policy --format terraform`.\n";
  for (const Policy& policy : policies)
    for (const std::string& note : notes_of(policy)) text += fmt::format("# {}\n", note);
  for (const Policy& policy : policies) {
    text += fmt::format("\ndata \"aws_iam_policy_document\" \"{}\" {{", document_label(policy));
    for (const PolicyStatement& statement : policy.statements) text += statement_block(statement, role);
    text += "}\n" + blocks_of(policy, policies);
  }
  return text;
}

}  // namespace certferry
