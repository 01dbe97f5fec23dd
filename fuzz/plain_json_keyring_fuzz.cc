// SPDX-License-Identifier: MIT
// Files of MySQL's component_keyring_file: what is read is what another JSON
// reader sees, and is overwritten where it stood; what is written is read back;
// a truncated file is refused.
#include <nlohmann/json.hpp>
#include <set>

#include "base/encoding.h"
#include "fuzz/check.h"
#include "fuzz/made_keys.h"
#include "storage/mysql_files/component_file_format.h"

using namespace openkeyring;

namespace {

bool IsSame(const Key& a, const Key& b) {
  return a.name == b.name && a.type == b.type && a.data.Equals(b.data);
}

bool IsSame(const std::vector<Key>& a, const std::vector<Key>& b) {
  return std::ranges::equal(
      a, b, [](const Key& x, const Key& y) { return IsSame(x, y); });
}

std::vector<const Key*> PointersTo(const std::vector<Key>& keys) {
  std::vector<const Key*> pointers;
  for (const Key& key : keys) pointers.push_back(&key);
  return pointers;
}

// `original` is what `content` was before the keys were taken out of it.
void CheckAgainstJson(ByteView original, const Secret& content,
                      const std::vector<Key>& keys) {
  const auto json = nlohmann::json::parse(AsText(original), nullptr, false);
  const auto left = nlohmann::json::parse(content.RevealText(), nullptr, false);
  Check(json.is_object() && left.is_object(), "it is JSON, and stays JSON");
  const auto& elements = json["elements"];
  Check(elements.size() == keys.size(), "one key an element");
  std::set<KeyName> names;
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto& element = elements[i];
    const Result<Bytes> data = HexDecode(element["data"].get<std::string>());
    Check(data && std::ranges::equal(*data, keys[i].data.RevealBytes()),
          "the key is that of its element");
    Check(element["data_id"] == keys[i].name.data_id &&
              element["user"] == keys[i].name.auth_id &&
              element["data_type"] == keys[i].type,
          "so are its names");
    Check(names.insert(keys[i].name).second, "no duplicate names");
    const auto overwritten = left["elements"][i]["data"].get<std::string>();
    Check(overwritten.find_first_not_of('0') == overwritten.npos,
          "no key stays in the text");
  }
}

void CheckWritten(const std::vector<Key>& keys, size_t cut) {
  Result<Secret> written = WritePlainJsonKeyring(PointersTo(keys));
  if (!written) {
    Check(written.error().code() == StatusCode::kInvalidArgument,
          "why keys are not written");
    return;
  }
  Secret part =
      Secret::CopyOf(written->RevealBytes().first(cut % written->size()));
  Check(part.empty() || !ReadPlainJsonKeyring(part), "a cut file is refused");
  const auto again = ReadPlainJsonKeyring(*written);
  Check(again && IsSame(*again, keys), "what is written is read");
}

std::vector<Key> Made(FuzzedDataProvider& input) {
  return MadeKeys(input, [&] {
    return std::string(input.ConsumeBool() ? "AES" : "SECRET");
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView any(data, size);
  Secret content = Secret::CopyOf(any);
  const auto keys = ReadPlainJsonKeyring(content);
  if (!keys) {
    Check(keys.error().code() == StatusCode::kCorrupt ||
              keys.error().code() == StatusCode::kMisconfigured,
          "why a file is not read");
  } else if (size > 0) {
    CheckAgainstJson(any, content, *keys);
    CheckWritten(*keys, size / 2);
  }
  FuzzedDataProvider input(data, size);
  const size_t cut = input.ConsumeIntegral<uint16_t>();
  CheckWritten(Made(input), cut);
  return 0;
}
