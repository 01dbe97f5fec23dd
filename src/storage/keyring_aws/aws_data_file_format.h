// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KEYRING_AWS_AWS_DATA_FILE_FORMAT_H_
#define OPENKEYRING_STORAGE_KEYRING_AWS_AWS_DATA_FILE_FORMAT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/digest.h"
#include "keyring/key.h"
#include "keyring/key_wrapper.h"
#include "storage/file_id.h"

// The data file of keyring_aws (docs/file_formats.md). Bytes only.
namespace openkeyring {

// A key as KMS wrapped it. Immutable once it is in a keyring, and shared: two
// keyrings that hold the same object hold the same ciphertext.
struct EncryptedKey {
  std::string type;
  WrappedKey wrapped;
};
using EncryptedKeyPointer = std::shared_ptr<const EncryptedKey>;

struct AwsKeyringContent {
  FileId file_id{};
  uint64_t generation = 1;
  std::map<KeyName, EncryptedKeyPointer> keys;  // None is null.
};

// The most bytes of a data id, and of an owner.
constexpr size_t kMaxAwsKeyName = 1024;
// The most bytes of a file, to be read and to be written.
constexpr size_t kMaxAwsDataFile = size_t{256} << 20;

// kInvalidArgument for what the format has no room for.
Result<Bytes> EncodeAwsDataFile(const AwsKeyringContent& keyring);
// kCorrupt when truncated, damaged or of another kind; kMisconfigured for a
// version of newer software.
Result<AwsKeyringContent> DecodeAwsDataFile(ByteView content);

// The checksum at the end of the content. kCorrupt when it does not match the
// bytes before it.
Result<Digest256> CheckedDigest(ByteView content);

// The encryption context of a key in that file.
EncryptionContext AwsKeyContext(const FileId& file_id, const KeyName& name,
                                const std::string& type);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KEYRING_AWS_AWS_DATA_FILE_FORMAT_H_
