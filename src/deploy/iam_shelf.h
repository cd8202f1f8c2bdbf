#pragma once

#include <map>

#include "aws/iam.h"
#include "base/task.h"
#include "deploy/shelf.h"
#include "outside/outside.h"

namespace certferry {

// The account of a server certificate of IAM, by its ARN; empty where it is none.
std::optional<std::string> server_certificate_account(const std::string& reference);

// Server certificates in an account's IAM, ours by the path /certferry/. A name says which certificate it is, so an
// upload that was heard of or not, by us or another instance, ends the same.
class IamShelf final : public Shelf {
 public:
  IamShelf(Outside& outside, aws::Client& client, const std::string& partition, const std::string& account);
  static std::string id_of(const std::string& partition, const std::string& account);
  static std::optional<std::string> account_in(std::string_view id);            // empty where it is none of id_of()'s
  static std::string reference_in(std::string_view id, std::string_view name);  // the ARN; "" likewise

  std::string_view id() const override { return id_; }
  std::string name_for(const Issued& issued) const override;
  Task<Shelved> put(const Issued& issued, const PrivateKey& key, std::optional<Shelved> replaces) override;
  Task<std::optional<Shelved>> find(const Issued& issued) override;
  // Of any server certificate in the account, asked for once. Failure: refused where we may not read it.
  Task<std::optional<Chain>> read(const std::string& reference) override;
  bool ours(const std::string& reference) const override;
  Task<bool> remove(const std::string& name, const std::string& reference) override;

 private:
  bool may_not_have_begun(const Failure& said, const Certificate& leaf) const;
  Task<Shelved> upload(const Issued& issued, const PrivateKey& key);
  Task<bool> removed(const std::string& name);  // false: in use
  Shelved shelved(const std::string& arn, const Issued& issued) const;
  Outside& outside_;
  aws::Client& client_;
  aws::Iam iam_;
  std::string id_;
  std::map<std::string, Chain> known_;   // by ARN: what one names never changes
  std::map<std::string, Turn> reading_;  // by ARN: who asks for it, while others wait for what is known then
};

}  // namespace certferry
