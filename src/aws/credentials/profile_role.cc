// SPDX-License-Identifier: MIT
#include "aws/credentials/profile_role.h"

#include <set>

#include "aws/credentials/container.h"
#include "aws/credentials/environment.h"
#include "aws/credentials/imds.h"
#include "aws/credentials/process.h"
#include "aws/credentials/profile_keys.h"
#include "aws/credentials/profile_login.h"
#include "aws/credentials/profile_web_identity.h"
#include "base/encoding.h"

namespace openkeyring {
namespace {

Status Misconfigured(const std::string& text) {
  return {StatusCode::kMisconfigured, text};
}

bool IsNotFound(const Result<Credentials>& result) {
  return !result && result.error().code() == StatusCode::kNotFound;
}

// Follows the profiles of one Fetch.
class RoleWalk {
 public:
  RoleWalk(AwsDependencies dependencies, StsClient& sts,
           const SharedFiles& files, const Deadline& deadline)
      : dependencies_(dependencies),
        sts_(sts),
        files_(files),
        deadline_(deadline) {}

  Result<Credentials> AssumeRoleOf(const std::string& profile) {
    visited_.insert(profile);
    const Result<RoleRequest> role = RoleOfProfile(files_, profile, sts_);
    if (!role) return role.error();
    const Result<Credentials> caller = CallerFor(profile);
    if (!caller) return caller.error();
    return sts_.AssumeRole(*caller, *role, deadline_);
  }

 private:
  static Status Circle(const std::string& profile) {
    return Misconfigured("the source profiles of AWS profile " + profile +
                         " form a circle");
  }

  // What the role of `profile` is assumed with.
  Result<Credentials> CallerFor(const std::string& profile) {
    const std::string source_profile = files_.Value(profile, "source_profile");
    const std::string named = files_.Value(profile, "credential_source");
    const std::string origin = files_.Origin(profile, "role_arn");
    if (source_profile.empty() == named.empty()) {
      return Misconfigured(origin +
                           ": role_arn needs either source_profile or "
                           "credential_source, or web_identity_token_file");
    }
    Result<Credentials> caller =
        named.empty() ? CredentialsOf(source_profile, profile, origin)
                      : NamedSource(named, profile, origin);
    if (!IsNotFound(caller)) return caller;
    return Misconfigured(origin + ": " +
                         (named.empty() ? "source_profile " + source_profile
                                        : "credential_source " + named) +
                         " has no credentials: " + caller.error().message());
  }

  Result<Credentials> NamedSource(const std::string& name,
                                  const std::string& profile,
                                  const std::string& origin) {
    const std::string lower = AsciiLower(name);
    if (lower == "environment") {
      return EnvironmentSource(dependencies_.environment).Fetch(deadline_);
    }
    if (lower == "ec2instancemetadata") {
      return ImdsSource(dependencies_, profile).Fetch(deadline_);
    }
    if (lower == "ecscontainer")
      return ContainerSource(dependencies_).Fetch(deadline_);
    return Misconfigured(origin +
                         ": credential_source must be Environment, "
                         "Ec2InstanceMetadata or EcsContainer, not \"" +
                         name + "\"");
  }

  bool HasKeys(const std::string& profile) const {
    return !IsNotFound(KeysInFile(files_.credentials, profile)) ||
           !IsNotFound(KeysInFile(files_.config, profile));
  }

  // In the order of the chain, except that keys come before a role, as for the
  // AWS CLI. A profile that is its own source is one without its role.
  Result<Credentials> CredentialsOf(const std::string& profile,
                                    const std::string& user,
                                    const std::string& origin) {
    if (!files_.HasProfile(profile)) {
      return Misconfigured(origin + ": there is no source_profile " + profile);
    }
    if (profile != user) {
      if (visited_.contains(profile)) return Circle(profile);
      Result<Credentials> by_token =
          WebIdentityOfProfile(sts_, files_, profile, deadline_);
      if (!IsNotFound(by_token)) return by_token;
      if (!files_.Value(profile, "role_arn").empty() && !HasKeys(profile)) {
        return AssumeRoleOf(profile);
      }
    }
    Result<Credentials> found = KeysInFile(files_.credentials, profile);
    if (IsNotFound(found)) {
      found = CredentialsOfProcess(dependencies_, files_, profile, deadline_);
    }
    if (IsNotFound(found)) found = KeysInFile(files_.config, profile);
    if (!IsNotFound(found)) return found;
    if (profile == user) return Circle(profile);
    return RefusalOfLogin(files_, profile);
  }

  AwsDependencies dependencies_;
  StsClient& sts_;
  const SharedFiles& files_;
  const Deadline& deadline_;
  std::set<std::string> visited_;
};

}  // namespace

std::string ProfileRoleSource::Name() const {
  return "profile " + profile_ + " (assume role)";
}

Result<Credentials> ProfileRoleSource::Fetch(const Deadline& deadline) {
  const Result<SharedFiles> files =
      ReadSharedFiles(dependencies_.environment, dependencies_.files);
  if (!files) return files.error();
  if (profile_ != "default" && !files->HasProfile(profile_)) {
    return Misconfigured("the profile is in neither of the AWS shared files");
  }
  if (files->Value(profile_, "role_arn").empty() ||
      !files->Value(profile_, "web_identity_token_file").empty()) {
    return Status(StatusCode::kNotFound, "the profile has no role to assume");
  }
  return RoleWalk(dependencies_, *sts_, *files, deadline)
      .AssumeRoleOf(profile_);
}

}  // namespace openkeyring
