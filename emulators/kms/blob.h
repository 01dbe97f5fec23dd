// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_BLOB_H_
#define OPENKEYRING_EMULATORS_KMS_BLOB_H_

#include <map>
#include <string>

#include "emulators/kms/model.h"
#include "os/random.h"

// The ciphertext blobs that the emulator hands out. Clients must treat them as
// opaque; the layout is ours (AWS's is not published), but like AWS's they
// start with 0x01 and name their key and the generation of its material:
//
//   01 02 | n (1) | key id (n) | material (16) | nonce (12) | ciphertext | tag
//   (16)
//
// "material" is the first half of the KeyMaterialId. AES-256-GCM; all before
// the nonce and the encryption context are authenticated with it.
namespace kms_emulator {

using Context = std::map<std::string, std::string>;

// The sealed blob; kUnavailable when randomness fails.
Result<Bytes> SealBlob(openkeyring::Random& random, const std::string& key_id,
                       const BackingKey& key, const Context& context,
                       ByteView plaintext);

// The key that a blob names; kCorrupt when it is not one of ours.
struct BlobName {
  std::string key_id;
  std::string material_prefix;  // 32 hex digits.
};
Result<BlobName> ReadBlobName(ByteView blob);

// The plaintext; kCorrupt when the tag does not fit key, context and bytes.
Result<Bytes> OpenBlob(ByteView blob, const BackingKey& key,
                       const Context& context);

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_BLOB_H_
