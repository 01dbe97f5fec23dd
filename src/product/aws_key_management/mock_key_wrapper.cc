// SPDX-License-Identifier: MIT
#include "product/aws_key_management/mock_key_wrapper.h"

#ifdef OPENKEYRING_MOCK_KMS

namespace openkeyring {
namespace {

class MockKeyWrapper : public KeyWrapper {
 public:
  explicit MockKeyWrapper(Random& random) : random_(random) {}

  Result<WrappedKey> Generate(size_t bytes, const EncryptionContext&,
                              const Deadline&) override {
    WrappedKey wrapped{Bytes(bytes), ""};
    Status status = random_.Fill(wrapped.blob);
    if (!status.ok()) return status;
    return wrapped;
  }
  std::string CurrentKeyName() const override { return "mock"; }
  Result<bool> IsCurrent(const std::string&, const Deadline&) override {
    return true;
  }
  Result<WrappedKey> Wrap(const Secret& key, const EncryptionContext&,
                          const Deadline&) override {
    const ByteView bytes = key.RevealBytes();
    return WrappedKey{Bytes(bytes.begin(), bytes.end()), ""};
  }
  Result<UnwrappedKey> Unwrap(const WrappedKey& wrapped,
                              const EncryptionContext&,
                              const Deadline&) override {
    return UnwrappedKey{Secret::CopyOf(wrapped.blob), ""};
  }
  Result<WrappedKey> Rewrap(const WrappedKey& wrapped, const EncryptionContext&,
                            const Deadline&) override {
    return wrapped;
  }

 private:
  Random& random_;
};

}  // namespace

std::unique_ptr<KeyWrapper> MakeMockKeyWrapper(Random& random) {
  return std::make_unique<MockKeyWrapper>(random);
}

}  // namespace openkeyring

#endif  // OPENKEYRING_MOCK_KMS
