// SPDX-License-Identifier: MIT
#include "storage/kmip/kmip_key_collector.h"

#include <algorithm>
#include <set>
#include <utility>

namespace openkeyring {
namespace {

constexpr size_t kMaxNamed = 5;  // Keys that one line names.

void AddCount(std::string& text, size_t count, const char* what) {
  if (count == 0) return;
  text += (text.empty() ? "" : ", ") + std::to_string(count) + ' ' + what;
}

Status CheckSize(const Key& key, const std::string& id) {
  if (!key.data.empty() && key.data.size() <= kMaxKeyBytes) return Status::Ok();
  return {StatusCode::kCorrupt,
          ToString(key.name) + " has " + std::to_string(key.data.size()) +
              " bytes in " + KmipObjectText(id) + ", but a key has 1 to " +
              std::to_string(kMaxKeyBytes) +
              ". If it is not a key, revoke and destroy the object, or set "
              "object_group"};
}

std::string SomeNames(const std::vector<KeyName>& names) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kMaxNamed); ++i) {
    text += (i > 0 ? ", " : "") + ToString(names[i]);
  }
  return text + (names.size() > kMaxNamed ? ", ..." : "");
}

}  // namespace

Status KmipKeyCollector::Add(const KmipAttributes& attributes) {
  const std::string& id = *attributes.unique_identifier;
  const KmipLifecycle lifecycle = KmipLifecycleOf(attributes);
  const bool over = lifecycle == KmipLifecycle::kDeactivated;
  if (lifecycle == KmipLifecycle::kDestroyed ||
      (over && IsMarkedRemoved(attributes))) {
    ++removed_;
    return Status::Ok();
  }
  if (auto marker = ReadKmipGroupMarker(attributes)) {
    markers_.push_back(std::move(*marker));
    return Status::Ok();
  }
  ++alive_;
  Result<std::optional<MysqlKeyIdentity>> identity =
      ReadMysqlKeyIdentity(attributes);
  // Deactivated ones, too: data may need them.
  if (!identity) return identity.error().WithContext(KmipObjectText(id));
  if (!*identity) {
    ++foreign_;
    return Status::Ok();
  }
  const bool unfinished =
      lifecycle == KmipLifecycle::kPreActive && (*identity)->is_ours();
  (unfinished ? unfinished_ : candidates_)
      .push_back(
          {{id, *attributes.object_type}, std::move(**identity), lifecycle});
  return Status::Ok();
}

const std::vector<KmipKeyCollector::Candidate>& KmipKeyCollector::Choose() {
  std::set<KeyName> in_use;
  for (const Candidate& one : candidates_) {
    if (one.lifecycle != KmipLifecycle::kDeactivated) {
      in_use.insert(one.identity.name);
    }
  }
  removed_ += std::erase_if(candidates_, [&](const Candidate& one) {
    return one.lifecycle == KmipLifecycle::kDeactivated &&
           in_use.contains(one.identity.name);
  });
  return candidates_;
}

Result<std::vector<Key>> KmipKeyCollector::MakeKeys(
    std::vector<Result<Secret>> values, Log& log) {
  std::map<KeyName, Source> sources;
  for (size_t i = 0; i < candidates_.size(); ++i) {
    Status status = AddValue(i, std::move(values[i]), sources, log);
    if (!status.ok()) return status;
  }
  std::vector<Key> keys;
  for (auto& [name, source] : sources) {
    if (!source.failure.ok()) {
      withheld_.emplace(name, std::move(source.failure));
      continue;
    }
    if (candidates_[source.candidate].lifecycle ==
        KmipLifecycle::kDeactivated) {
      deactivated_.push_back(name);
    }
    keys.push_back(std::move(source.key));
  }
  return keys;
}

// An error only when the object is in use.
Status KmipKeyCollector::AddValue(size_t i, Result<Secret> value,
                                  std::map<KeyName, Source>& sources,
                                  Log& log) {
  const Candidate& one = candidates_[i];
  Status failure = value.status();
  Key key = {one.identity.name, one.identity.type, {}};
  if (value) {
    key.data = std::move(*value);
    failure = CheckSize(key, one.object.id);
  }
  const auto other = sources.find(key.name);
  if (other == sources.end()) {
    sources.emplace(one.identity.name, Source{std::move(key), i, failure});
  } else if (other->second.failure.ok()) {
    if (failure.ok()) failure = CompareDuplicate(other->second, key, i, log);
    other->second.failure = failure;
  }
  return one.lifecycle == KmipLifecycle::kDeactivated ? Status::Ok() : failure;
}

Status KmipKeyCollector::CompareDuplicate(const Source& source, const Key& key,
                                          size_t i, Log& log) const {
  const std::string both =
      "duplicate " + ToString(key.name) + ", in " +
      KmipObjectText(candidates_[source.candidate].object.id) + " and " +
      KmipObjectText(candidates_[i].object.id);
  if (source.key.type == key.type && source.key.data.Equals(key.data)) {
    log.Write(LogLevel::kWarning, both + ", with the same value");
    return Status::Ok();
  }
  return {StatusCode::kCorrupt,
          both +
              ", with different values. Revoke and destroy the one that is not "
              "in use, or give each database server an object_group of its "
              "own"};
}

void KmipKeyCollector::WriteSummary(Log& log) const {
  std::string counts;
  AddCount(counts, removed_, "removed or destroyed");
  AddCount(counts, foreign_, "that are not MySQL keys");
  if (!counts.empty()) {
    log.Write(LogLevel::kNote,
              "objects on the KMIP server that were not loaded: " + counts);
  }
  if (!deactivated_.empty()) {
    log.Write(LogLevel::kWarning,
              std::to_string(deactivated_.size()) +
                  " keys are deactivated or compromised on the KMIP server (" +
                  SomeNames(deactivated_) +
                  "). They are loaded, because data may need them; rotate the "
                  "master keys and remove what is not needed");
  }
  for (const auto& [name, reason] : withheld_) {
    log.Write(LogLevel::kError,
              ToString(name) +
                  " is deactivated on the KMIP server and cannot be read, and "
                  "no key is made in its place: " +
                  reason.message());
  }
}

std::vector<KmipKeyCollector::Object> KmipKeyCollector::PreActiveKeys() const {
  std::vector<Object> objects;
  for (const Candidate& one : candidates_) {
    if (one.lifecycle == KmipLifecycle::kPreActive) {
      objects.push_back(one.object);
    }
  }
  return objects;
}

}  // namespace openkeyring
