// SPDX-License-Identifier: MIT
#include "product/kmip_key_management/kmip_host.h"

#include <algorithm>
#include <utility>

#include "storage/kmip/kmip_versions_backend.h"

namespace openkeyring {
namespace {

constexpr Millis kPause{500};

class RealKmipHost : public KmipHost {
 public:
  RealKmipHost(const KmipFixedOptions& fixed, std::unique_ptr<KmipStack> stack,
               EncryptionPlugin& plugin)
      : stack_(std::move(stack)),
        backend_(stack_->client(), SystemClock(), SystemRandom(), plugin.log,
                 {fixed.object_group, fixed.max_objects,
                  [this, &plugin] {
                    return std::max(plugin.operation_deadline(),
                                    Millis(list_deadline_ms_.load()));
                  }}),
        keys_(backend_, SystemClock(), SystemRandom(), plugin.log,
              {[&plugin] { return plugin.key_bytes.load(); },
               [&plugin] { return plugin.operation_deadline(); },
               fixed.load_parallelism}) {}

  // While the list cannot be had, no key is made: what is stored might be
  // needed. So the server may as well start, and ask again on demand.
  Status Load(Millis startup, Log& log) {
    const Deadline deadline = Deadline::After(SystemClock(), startup);
    Status status;
    bool told = false;
    do {
      if (!status.ok()) SystemClock().SleepFor(kPause);
      const Millis left = deadline.Remaining(SystemClock());
      list_deadline_ms_ = left.count();
      status = keys_.LoadAll(left);
      if (!status.IsTransient()) break;
      if (!told) {
        log.Write(LogLevel::kWarning,
                  "loading keys is tried again until startup_deadline: " +
                      status.message());
      }
      told = true;
    } while (deadline.Remaining(SystemClock()) > kPause);
    list_deadline_ms_ = 0;
    if (!status.IsTransient()) return status;
    log.Write(LogLevel::kError,
              "no key is loaded; each is asked for when it is needed: " +
                  status.message());
    return Status::Ok();
  }

  VersionedKeys& keys() override { return keys_; }
  KmipClientStatus status() override { return stack_->client().status(); }

 private:
  std::atomic<int64_t> list_deadline_ms_{0};
  std::unique_ptr<KmipStack> stack_;
  KmipVersionsBackend backend_;
  VersionedKeys keys_;
};

}  // namespace

Result<std::unique_ptr<KmipHost>> KmipHost::Start(KmipFixedOptions fixed,
                                                  EncryptionPlugin& plugin) {
  auto stack = KmipStack::Make(std::move(fixed.kmip), plugin.log);
  if (!stack) return stack.error();
  auto host = std::make_unique<RealKmipHost>(fixed, std::move(*stack), plugin);
  Status status = host->Load(fixed.startup_deadline, plugin.log);
  if (!status.ok()) return status;
  return host;
}

}  // namespace openkeyring
