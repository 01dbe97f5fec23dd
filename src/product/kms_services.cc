// SPDX-License-Identifier: MIT
#include "product/kms_services.h"

#include <algorithm>
#include <utility>

namespace openkeyring {
namespace {

// Another wrapper under the name that the configuration's entry has: two
// regions may have a key of one alias.
class NamedWrapper : public KeyWrapper {
 public:
  NamedWrapper(KeyWrapper& wrapper, std::string name)
      : wrapper_(wrapper), name_(std::move(name)) {}

  Result<WrappedKey> Generate(size_t bytes, const EncryptionContext& binding,
                              const Deadline& deadline) override {
    return wrapper_.Generate(bytes, binding, deadline);
  }
  Result<WrappedKey> Wrap(const Secret& key, const EncryptionContext& binding,
                          const Deadline& deadline) override {
    return wrapper_.Wrap(key, binding, deadline);
  }
  Result<UnwrappedKey> Unwrap(const WrappedKey& wrapped,
                              const EncryptionContext& binding,
                              const Deadline& deadline) override {
    return wrapper_.Unwrap(wrapped, binding, deadline);
  }
  Result<WrappedKey> Rewrap(const WrappedKey& wrapped,
                            const EncryptionContext& binding,
                            const Deadline& deadline) override {
    return wrapper_.Rewrap(wrapped, binding, deadline);
  }
  std::string CurrentKeyName() const override { return name_; }
  Result<bool> IsCurrent(const std::string& wrapping_key,
                         const Deadline& deadline) override {
    return wrapper_.IsCurrent(wrapping_key, deadline);
  }

 private:
  KeyWrapper& wrapper_;
  const std::string name_;
};

}  // namespace

Result<std::unique_ptr<KmsServices>> KmsServices::Make(
    const std::vector<KmsKeyOptions>& keys, const AwsOptions& common,
    const KmsServiceOptions& options, const KmsServices* previous, Log& log) {
  auto services = std::make_unique<KmsServices>();
  for (const KmsKeyOptions& key : keys) {
    const std::string name = key.Name();
    KmsServiceOptions own = options;
    own.master_key_id = [id = key.key] { return id; };
    const auto same_name = [&](const OneKey& one) { return one.name == name; };
    if (previous != nullptr) {
      auto old = std::ranges::find_if(previous->keys_, same_name);
      const bool other_only = old == previous->keys_.end() &&
                              keys.size() == 1 && previous->size() == 1;
      if (other_only) old = previous->keys_.begin();
      if (old != previous->keys_.end()) {
        own.statistics = old->service->client().statistics_keeper();
      }
    }
    const bool as_ever = keys.size() == 1 && !key.HasSettings();
    Result<std::unique_ptr<KmsService>> service = KmsService::Make(
        as_ever ? common.Clone() : AwsOptionsOfKey(key, common), std::move(own),
        log);
    if (!service && keys.size() == 1) return service.error();
    if (!service) return service.error().WithContext("KMS key " + name);
    KeyWrapper& wrapper = (*service)->wrapper();
    services->keys_.push_back({name, std::move(*service),
                               std::make_unique<NamedWrapper>(wrapper, name)});
  }
  return services;
}

KmsServicesState KmsServices::State() const {
  KmsServicesState state;
  for (const OneKey& key : keys_) {
    const CallStatistics seen = key.service->client().statistics();
    state.reachable |= seen.reachable().value_or(false);
    if (seen.last_error_time > state.last_error_time) {
      state.last_error_time = seen.last_error_time;
      state.last_error = seen.last_error;
    }
    const bool newer = seen.last_success_time > state.last_success;
    if (newer || &key == &keys_.front()) {
      state.last_success = seen.last_success_time;
      state.endpoint = seen.endpoint;
      state.credential_source = key.service->credentials().SourceName();
    }
  }
  return state;
}

void KmsServices::AddMetrics(WallTime now, MetricValues& values) const {
  for (const OneKey& key : keys_) key.service->AddMetrics(now, values);
}

}  // namespace openkeyring
