// SPDX-License-Identifier: MIT
#include "product/kmip_key_management/kmip_key_management.h"

#include <algorithm>
#include <utility>

#include "product/load_retry.h"

namespace openkeyring {
namespace {

// A rotation leaves half of the connections, and of what a slow server does at
// a time, to keys that are needed meanwhile.
VersionedKeys::Options KeyOptions(const KmipStartupOptions& startup,
                                  const DynamicKeyOptions& dynamic,
                                  const CreationRule& may_create) {
  VersionedKeys::Options options =
      dynamic.ForKeys(startup.load_parallelism, may_create);
  options.rotation_parallelism =
      std::max<size_t>(1, startup.load_parallelism / 2);
  return options;
}

// A group without keys is neither marked nor noted where data are encrypted:
// the right one would be refused later. Other programs make no note anyway.
KmipGroupOptions GuardedGroup(const KmipStartupOptions& startup,
                              const CreationRule& may_create) {
  KmipGroupOptions group = startup.group;
  if (startup.access.is_server) {
    group.check_new_keyring = [may_create](const std::string& place) {
      return may_create.CheckNewPlace(place);
    };
  }
  return group;
}

}  // namespace

KmipKeyManagement::KmipKeyManagement(const KmipStartupOptions& startup,
                                     const DynamicKeyOptions& dynamic,
                                     std::unique_ptr<KmipService> service,
                                     Log& log)
    : service_(std::move(service)),
      may_create_(startup.access, PosixFileSystem()),
      group_(service_->client(), PosixFileSystem(), SystemRandom(), log,
             GuardedGroup(startup, may_create_)),
      backend_(service_->client(), group_, SystemClock(), SystemRandom(), log,
               {startup.max_objects,
                [this, &dynamic] {
                  return std::max(dynamic.operation_deadline(),
                                  Millis(list_deadline_ms_.load()));
                }}),
      keys_(backend_, SystemClock(), SystemRandom(), log,
            KeyOptions(startup, dynamic, may_create_)) {}

// While the list cannot be read, no key is made, because what is stored might
// be needed. So the database server may as well start, and ask again on demand.
Status KmipKeyManagement::Load(Millis startup_deadline, Log& log) {
  const Deadline deadline = Deadline::After(SystemClock(), startup_deadline);
  const Status status = LoadWithRetry(
      SystemClock(), SystemRandom(), log, {true, deadline, "startup_deadline"},
      [&] {
        const Millis remaining = deadline.Remaining(SystemClock());
        list_deadline_ms_ = remaining.count();
        return keys_.LoadAll(remaining);
      });
  list_deadline_ms_ = 0;
  if (!status.IsTransient()) return status;
  log.Write(LogLevel::kError,
            "no key is loaded; each is asked for when it is needed: " +
                status.message());
  return Status::Ok();
}

Result<std::unique_ptr<KmipKeyManagement>> KmipKeyManagement::Open(
    KmipStartupOptions startup, const DynamicKeyOptions& dynamic, Log& log) {
  Result<std::unique_ptr<KmipService>> service =
      KmipService::Make(std::move(startup.kmip), log);
  if (!service) return service.error();
  std::unique_ptr<KmipKeyManagement> opened(
      new KmipKeyManagement(startup, dynamic, std::move(*service), log));
  Status status = opened->Load(startup.startup_deadline, log);
  if (status.ok()) {
    status = CheckBackup(startup.access, opened->keys_, PosixFileSystem());
  }
  if (!status.ok()) return status;
  return opened;
}

MetricValues KmipKeyManagement::Metrics() {
  MetricValues values;
  AddKeyCounts(keys_.counts(), values);
  service_->AddMetrics(SystemClock().Now(), values);
  return values;
}

}  // namespace openkeyring
