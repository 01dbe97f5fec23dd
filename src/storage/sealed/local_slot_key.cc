// SPDX-License-Identifier: MIT
#include "storage/sealed/local_slot_key.h"

#include <array>
#include <memory>

#include "base/encoding.h"
#include "crypto/aead.h"
#include "storage/keyring_file.h"

namespace openkeyring {
namespace {

constexpr size_t kSalt = 32;
constexpr std::string_view kIdInfo = "openkeyring local unlock id";
constexpr std::string_view kSlotInfo = "openkeyring local unlock slot";

// Tells whether a secret is the right one, and nothing else about it.
Result<std::string> IdOf(const Secret& secret, ByteView salt) {
  Result<HkdfSha256> hkdf = HkdfSha256::Make();
  if (!hkdf) return hkdf.error();
  std::array<uint8_t, 16> id;
  Status status = hkdf->Derive(secret, salt, AsBytes(kIdInfo), id);
  if (!status.ok()) return status;
  return HexEncode(id);
}

Result<std::unique_ptr<DerivedKeyAead>> AeadOf(const Secret& secret,
                                               const FileId& file_id) {
  Bytes info(kSlotInfo.begin(), kSlotInfo.end());
  PutBytes(info, file_id);
  return DerivedKeyAead::Make(secret, info);
}

}  // namespace

Result<Secret> LocalFileSlotKey::Read() const {
  Result<Secret> secret = read_();
  if (!secret) return NotAboutKeys(secret.error());
  if (secret->size() == kLocalSecretBytes) return secret;
  return Status(
      StatusCode::kMisconfigured,
      name_ + " does not have " + std::to_string(kLocalSecretBytes) + " bytes");
}

bool LocalFileSlotKey::Owns(const KeySlot& slot) const {
  if (slot.kind != kind()) return false;
  const Result<Secret> secret = Read();
  if (!secret) return slot.name == name_;
  const Result<std::string> id = IdOf(*secret, slot.parameters);
  return id && *id == slot.maker;
}

Result<KeySlot> LocalFileSlotKey::Seal(const Secret& data_key,
                                       const SlotBinding& binding,
                                       const Deadline& deadline) {
  const Result<Secret> secret = Read();
  if (!secret) return secret.error();
  KeySlot slot{0, kind(), name_, "", Bytes(kSalt), {}};
  Status status = random_.Fill(slot.parameters);
  if (!status.ok()) return status;
  const Result<std::string> id = IdOf(*secret, slot.parameters);
  if (!id) return id.error();
  slot.maker = *id;
  const auto aead = AeadOf(*secret, binding.file_id);
  if (!aead) return aead.error();
  Result<Bytes> blob =
      (*aead)->Seal(slot.parameters, binding.file_id, data_key);
  if (!blob) return blob.error();
  slot.blob = std::move(*blob);
  const Result<Secret> opened = Open(slot, binding, deadline);
  if (!opened) return opened.error();
  if (opened->Equals(data_key)) return slot;
  return Status(StatusCode::kCorrupt, name_ + " was changed just now");
}

Result<Secret> LocalFileSlotKey::Open(const KeySlot& slot,
                                      const SlotBinding& file,
                                      const Deadline&) {
  const Result<Secret> secret = Read();
  if (!secret) return secret.error();
  const auto aead = AeadOf(*secret, file.file_id);
  if (!aead) return aead.error();
  Result<Secret> opened =
      (*aead)->Open(slot.parameters, file.file_id, slot.blob);
  if (opened) return CheckDataKey(std::move(*opened));
  return opened.error().WithContext(name_ +
                                    " holds another secret, or the "
                                    "key slot is damaged");
}

}  // namespace openkeyring
