// SPDX-License-Identifier: MIT
#include "emulators/kmip/faults.h"

#include <algorithm>
#include <array>
#include <utility>

namespace kmip_server {

using openkeyring::Status;
using openkeyring::StatusCode;

namespace {

constexpr std::array kKinds = {
    "cut_before",
    "cut_after",
    "reset_after",
    "half_close",
    "slow",
    "hang",
    "short_batch",
    "no_batch_ids",
    "split",
    "oversize",
    "garbage",
    "truncate",
    "fail",
    "fail_all",
    "refuse_version",
    "pending",
    "wrong_operation",
    "wrong_ids",
    "empty",
    "drop_first",
    "wrong_objects",
    "vanish",
    "lose_first",
    "twice",
};

Status Invalid(std::string text) {
  return {StatusCode::kInvalidArgument, std::move(text)};
}

// Members of the behaviour by name.
struct Member {
  const char* name;
  bool Behaviour::*flag = nullptr;
  int Behaviour::*number = nullptr;
};

constexpr Member kMembers[] = {
    {"cuts_unknown_versions", &Behaviour::cuts_unknown_versions},
    {"unique_names", &Behaviour::unique_names},
    {"exaggerates_batch_count", &Behaviour::exaggerates_batch_count},
    {"omits_batch_ids", &Behaviour::omits_batch_ids},
    {"no_placeholder", &Behaviour::no_placeholder},
    {"max_batch", nullptr, &Behaviour::max_batch},
    {"max_response", nullptr, &Behaviour::max_response},
    {"locate_cap", nullptr, &Behaviour::locate_cap},
    {"ignores_offset", &Behaviour::ignores_offset},
    {"overlapping_pages", &Behaviour::overlapping_pages},
    {"caps_before_offset", &Behaviour::caps_before_offset},
    {"caps_before_match", &Behaviour::caps_before_match},
    {"newest_first", &Behaviour::newest_first},
    {"caps_unasked_only", &Behaviour::caps_unasked_only},
    {"finds_no_dates", &Behaviour::finds_no_dates},
    {"finds_active_only", &Behaviour::finds_active_only},
    {"zero_located_items", &Behaviour::zero_located_items},
    {"exact_located_items", &Behaviour::exact_located_items},
    {"raw_secrets", &Behaviour::raw_secrets},
    {"strict_lengths", &Behaviour::strict_lengths},
    {"needs_usage_mask", &Behaviour::needs_usage_mask},
    {"adds_usage_bits", &Behaviour::adds_usage_bits},
    {"fewer_attributes", &Behaviour::fewer_attributes},
    {"no_vendor_attributes", &Behaviour::no_vendor_attributes},
    {"spoils_values", &Behaviour::spoils_values},
    {"drops_application_info", &Behaviour::drops_application_info},
    {"refuses_application_info", &Behaviour::refuses_application_info},
    {"keeps_destroyed", &Behaviour::keeps_destroyed},
    {"reads_only", &Behaviour::reads_only},
    {"extensions", &Behaviour::extensions},
    {"latency_ms", nullptr, &Behaviour::latency_ms},
};

Status ChangeVersions(const Json& json, Behaviour& behaviour) {
  std::vector<KmipVersion> versions;
  for (const Json& one : json) {
    const auto version = openkeyring::ParseKmipVersion(
        one.is_string() ? one.get<std::string>() : "");
    if (!version) return Invalid(version.error().message());
    versions.push_back(*version);
  }
  behaviour.versions = std::move(versions);
  return Status::Ok();
}

Status ChangeMember(const std::string& name, const Json& value,
                    Behaviour& behaviour) {
  if (name == "versions") return ChangeVersions(value, behaviour);
  for (const Member& member : kMembers) {
    if (name != member.name) continue;
    if (member.flag != nullptr && value.is_boolean()) {
      behaviour.*member.flag = value.get<bool>();
      return Status::Ok();
    }
    if (member.number != nullptr && value.is_number_integer()) {
      behaviour.*member.number = value.get<int>();
      return Status::Ok();
    }
    return Invalid(name + " has a value of a wrong type");
  }
  return Invalid("there is no behaviour " + name);
}

}  // namespace

Result<Fault> FaultFromJson(const Json& json) {
  if (!json.is_object()) return Invalid("a fault is a JSON object");
  Fault fault;
  for (const auto& [name, value] : json.items()) {
    if (name == "kind" && value.is_string()) {
      fault.kind = value.get<std::string>();
    } else if (name == "operation" && value.is_string()) {
      fault.operation = value.get<std::string>();
    } else if (name == "message" && value.is_string()) {
      fault.message = value.get<std::string>();
    } else if (name == "count" && value.is_number_integer()) {
      fault.count = value.get<int>();
    } else if (name == "skip" && value.is_number_integer()) {
      fault.skip = value.get<int>();
    } else if (name == "ms" && value.is_number_integer()) {
      fault.ms = value.get<int>();
    } else if (name == "items" && value.is_number_integer()) {
      fault.items = value.get<int>();
    } else if (name == "reason" && value.is_number_unsigned()) {
      fault.reason = value.get<uint32_t>();
    } else {
      return Invalid("a fault has no member " + name + " of that type");
    }
  }
  if (std::ranges::find(kKinds, fault.kind) == kKinds.end()) {
    return Invalid("there is no fault \"" + fault.kind + "\"");
  }
  return fault;
}

Status ChangeBehaviour(const Json& json, Behaviour& behaviour) {
  if (!json.is_object()) return Invalid("a behaviour is a JSON object");
  Behaviour changed = behaviour;
  for (const auto& [name, value] : json.items()) {
    Status status = ChangeMember(name, value, changed);
    if (!status.ok()) return status;
  }
  behaviour = changed;
  return Status::Ok();
}

void FaultQueue::Push(Fault fault) {
  const std::lock_guard lock(mutex_);
  faults_.push_back(std::move(fault));
}

void FaultQueue::Clear() {
  const std::lock_guard lock(mutex_);
  faults_.clear();
}

std::optional<Fault> FaultQueue::Take(
    const std::vector<std::string>& operations) {
  const std::lock_guard lock(mutex_);
  for (Fault& fault : faults_) {
    if (fault.operation != "*" &&
        std::ranges::find(operations, fault.operation) == operations.end()) {
      continue;
    }
    if (fault.skip > 0) {
      --fault.skip;
      continue;
    }
    if (fault.count == 0) continue;
    if (fault.count > 0) --fault.count;
    return fault;
  }
  return std::nullopt;
}

}  // namespace kmip_server
