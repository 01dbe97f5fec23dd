// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_PERCONA_JSON_ELEMENT_H_
#define OPENKEYRING_STORAGE_PERCONA_JSON_ELEMENT_H_

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "storage/percona/json_keyring_format.h"

// One element of a JSON key file. For json_keyring_format.cc.
namespace openkeyring {

// kCorrupt, with the key's name once that is known.
Result<JsonElement> ReadJsonElement(const nlohmann::ordered_json& json);
// Compact, the members in the order in which Percona's component writes them.
std::string WriteJsonElement(const JsonElement& element);
// The element `text`, with the blob of `element` as its data.
std::string ReplaceJsonData(const std::string& text,
                            const JsonElement& element);

// kInvalidArgument unless KMS makes blobs of this size, 1 to 6144 bytes, and a
// reader would find the same blob in that encoding.
Status CheckJsonBlob(const Bytes& blob, JsonEncoding encoding);

// The string of that member; null when there is none or it is not a string.
const std::string* TextMember(const nlohmann::ordered_json& json,
                              std::string_view name);
// Compact. Never throws: all text that gets here is UTF-8.
std::string DumpJson(const nlohmann::ordered_json& json);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_PERCONA_JSON_ELEMENT_H_
