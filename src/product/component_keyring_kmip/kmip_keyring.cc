// SPDX-License-Identifier: MIT
#include "product/component_keyring_kmip/kmip_keyring.h"

#include <utility>

#include "product/first_load.h"

namespace openkeyring {

Result<std::unique_ptr<KmipKeyring>> KmipKeyring::Open(
    KmipComponentConfig config, bool is_first, Log& log) {
  std::unique_ptr<KmipKeyring> opened(new KmipKeyring(config));
  Result<std::unique_ptr<KmipStack>> stack =
      KmipStack::Make(std::move(config.kmip), log);
  if (!stack) return stack.error();
  opened->stack_ = std::move(*stack);
  // The server's readers wait for a reload: it gets no more time than a store.
  const Deadline deadline =
      Deadline::After(SystemClock(), is_first ? config.startup_deadline
                                              : config.operation_deadline);
  Status status = LoadPatiently(SystemClock(), log, {is_first, deadline}, [&] {
    return opened->LoadKeys(deadline, log);
  });
  if (!status.ok()) return status;
  return opened;
}

Status KmipKeyring::LoadKeys(const Deadline& deadline, Log& log) {
  Result<std::unique_ptr<Keyring>> keyring = Keyring::Load(
      std::make_unique<KmipBackend>(stack_->client(), SystemClock(),
                                    SystemRandom(), log, keys_),
      SystemClock(), SystemRandom(), rules_, deadline);
  if (!keyring) {
    // Not every server says that it is the version that it does not like.
    if (!version_ || keyring.error().IsTransient()) return keyring.error();
    return keyring.error().WithContext("in KMIP " + version_->Text() +
                                       ", as kmip_version says");
  }
  keyring_ = std::move(*keyring);
  return Status::Ok();
}

}  // namespace openkeyring
