// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_PERCONA_JSON_KEYRING_FORMAT_H_
#define OPENKEYRING_STORAGE_PERCONA_JSON_KEYRING_FORMAT_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/status.h"
#include "keyring/key.h"
#include "keyring/key_wrapper.h"

// The key files of other AWS KMS keyrings for MySQL: Percona's
// component_keyring_kms and Oracle's component_keyring_aws. Bytes only; see
// docs/file_formats.md.
namespace openkeyring {

// Above this a file is not read, and not written either.
constexpr size_t kMaxJsonKeyring = 64 << 20;

// What the member `data` of an element is: the two products differ in nothing
// else.
enum class JsonEncoding {
  kPercona,  // Hex of the base64 text of the blob.
  kOracle,   // Hex of the blob.
};

struct JsonElement {
  KeyName name;
  std::string type;
  // The wrapping key is unknown ("") when read: the file does not tell it.
  WrappedKey wrapped;
  JsonEncoding encoding = JsonEncoding::kPercona;
};

// One file, as a value. Whatever it does not know, at the top or in an element,
// is kept and written again, in its place; so are elements that nobody touched.
// Numbers among that are kept as 64-bit integers or doubles.
//
// Threads: one object is not synchronised.
class JsonKeyring {
 public:
  JsonKeyring();  // An empty one, as Percona's component starts.

  // kCorrupt, with the byte or the element's index (from 0) and its key, for
  // all that is not such a file, whole: also for what Percona's reader lets
  // pass, namely data that is not hex (it makes an empty key of that). The
  // error is kMisconfigured for a version other than 1.0.
  static Result<JsonKeyring> Parse(ByteView content);
  // kInvalidArgument when it would be larger than that.
  Result<Bytes> Write(size_t max_size = kMaxJsonKeyring) const;

  size_t size() const { return items_.size(); }
  const JsonElement& element(size_t index) const {
    return items_[index].parsed;
  }
  const JsonElement* Find(const KeyName& name) const;  // Null: none.

  // How new elements are written: as the last one is, Percona's when there is
  // none.
  JsonEncoding encoding() const;

  // Puts it at the end. kAlreadyExists when the name is taken; for
  // CheckStorable's reasons and for a blob that KMS would not make
  // kInvalidArgument.
  Status Add(const KeyName& name, std::string_view type,
             const WrappedKey& wrapped);
  // kNotFound when there is none.
  Status Remove(const KeyName& name);
  // Puts another blob into an element, in the element's own encoding.
  Status SetWrapped(size_t index, const WrappedKey& wrapped);
  // Which key wrapped the blob, once somebody has found out.
  void SetWrappingKey(size_t index, std::string wrapping_key);

 private:
  struct Item {
    JsonElement parsed;
    std::string text;  // As it is written.
  };
  std::string head_, tail_;  // What is written around the elements.
  std::vector<Item> items_;
};

// Whether a file of this format can hold such a key: data id and type must not
// be empty, and all three must be UTF-8 without zero bytes, or a reader would
// see another name. kInvalidArgument, naming the key.
Status CheckStorable(const KeyName& name, std::string_view type);

// "Percona JSON 1.0", "Oracle JSON 1.0".
std::string_view JsonFormatName(JsonEncoding encoding);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_PERCONA_JSON_KEYRING_FORMAT_H_
