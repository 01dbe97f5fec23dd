// SPDX-License-Identifier: MIT
#include "keyring/checked_wrap.h"

#include <utility>

namespace openkeyring {
namespace {

constexpr char kDoesNotOpen[] = "what was just wrapped does not open";

Status OpensAsAnother() {
  return {StatusCode::kCorrupt, "what was just wrapped opens as another key"};
}

}  // namespace

Result<WrappedKey> WrapChecked(KeyWrapper& wrapper, const Secret& key,
                               const EncryptionContext& context,
                               StoredWith stored, const Deadline& deadline) {
  Result<WrappedKey> wrapped = wrapper.Wrap(key, context, deadline);
  if (!wrapped) return wrapped.error();
  if (stored == StoredWith::kBlobOnly) wrapped->wrapping_key.clear();
  Result<UnwrappedKey> opened = wrapper.Unwrap(*wrapped, context, deadline);
  if (!opened) return opened.error().WithContext(kDoesNotOpen);
  if (!opened->key.Equals(key)) return OpensAsAnother();
  if (wrapped->wrapping_key.empty()) {
    wrapped->wrapping_key = std::move(opened->wrapping_key);
  }
  return wrapped;
}

Result<GeneratedKey> GenerateChecked(KeyWrapper& wrapper, size_t bytes,
                                     const EncryptionContext& context,
                                     const Deadline& deadline) {
  Result<WrappedKey> wrapped = wrapper.Generate(bytes, context, deadline);
  if (!wrapped) return wrapped.error();
  Result<UnwrappedKey> opened = wrapper.Unwrap(*wrapped, context, deadline);
  if (!opened) return opened.error().WithContext(kDoesNotOpen);
  if (opened->key.size() != bytes) return OpensAsAnother();
  return GeneratedKey{std::move(*wrapped), std::move(opened->key)};
}

}  // namespace openkeyring
