#pragma once

#include <map>
#include <string>
#include <vector>

#include "wire/http.h"

namespace certferry::sandbox {

class World;

// What one request asks of IAM: an action on a resource, with the values of its condition keys.
// source: Service Authorization Reference, of Route 53, IAM, Elastic Load Balancing, S3, KMS and STS, 2026-11-24
struct AccessRequest {
  std::string action;    // "route53:ChangeResourceRecordSets"
  std::string resource;  // an ARN; "*" where the service knows none for this action
  std::map<std::string, std::vector<std::string>> context;
};

// All of what a request asks, each of which must be allowed: none where IAM is not asked (GetCallerIdentity), or where
// the service refuses the request whoever sends it. S3 tells only those who may list a bucket that a key is not there.
std::vector<AccessRequest> access_requests(World& world, const std::string& service, const http::Request& request);

}  // namespace certferry::sandbox
