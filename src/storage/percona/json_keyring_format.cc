// SPDX-License-Identifier: MIT
#include "storage/percona/json_keyring_format.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>

#include "json/json_check.h"
#include "storage/percona/json_element.h"

namespace openkeyring {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kVersion = "1.0";

// Where an error is, once the name is known.
std::string Place(size_t index, const KeyName& name) {
  return "element " + std::to_string(index) + " (" + ToString(name) + ")";
}

Status CheckTop(const Json& top) {
  const std::string* version = TextMember(top, "version");
  const auto elements = top.find("elements");
  if (version == nullptr || elements == top.end() || !elements->is_array()) {
    return {StatusCode::kCorrupt,
            "it is not an object with a string \"version\" and an array "
            "\"elements\""};
  }
  if (*version == kVersion) return Status::Ok();
  return {StatusCode::kMisconfigured,
          "it has a version other than 1.0, the only one known to this "
          "program; the program that wrote it can read it"};
}

// The file's text before and after its elements.
std::pair<std::string, std::string> AroundElements(const Json& top) {
  std::string head = "{", tail = "]";
  std::string* part = &head;
  for (const auto& [name, value] : top.items()) {
    if (*part != "{") *part += ',';
    *part += DumpJson(name) + ":";
    if (name == "elements") {
      *part += '[';
      part = &tail;
    } else {
      *part += DumpJson(value);
    }
  }
  return {std::move(head), tail + "}"};
}

}  // namespace

JsonKeyring::JsonKeyring()
    : head_("{\"version\":\"1.0\",\"elements\":["), tail_("]}") {}

Result<JsonKeyring> JsonKeyring::Parse(ByteView content) {
  const std::string_view text = AsText(content);
  if (text.size() > kMaxJsonKeyring) {
    return Status(StatusCode::kCorrupt, "it is too large");
  }
  Status status = CheckJson(text);
  if (!status.ok()) return status;
  const Json top = Json::parse(text.begin(), text.end(), nullptr, false);
  status = CheckTop(top);
  if (!status.ok()) return status;

  JsonKeyring keyring;
  std::set<KeyName> names;
  const Json& elements = *top.find("elements");
  keyring.items_.reserve(elements.size());
  for (const Json& json : elements) {
    const size_t index = keyring.items_.size();
    Result<JsonElement> element = ReadJsonElement(json);
    if (!element) {
      return element.error().WithContext("element " + std::to_string(index));
    }
    if (!names.insert(element->name).second) {
      return Status(StatusCode::kCorrupt,
                    Place(index, element->name) +
                        ": an element before it has the same name");
    }
    keyring.items_.push_back({std::move(*element), DumpJson(json)});
  }
  std::tie(keyring.head_, keyring.tail_) = AroundElements(top);
  return keyring;
}

Result<Bytes> JsonKeyring::Write(size_t max_size) const {
  size_t size = head_.size() + tail_.size();
  for (const Item& item : items_) size += item.text.size() + 1;
  if (size > max_size) {
    return Status(StatusCode::kInvalidArgument,
                  "the file would become larger than " +
                      std::to_string(max_size) + " bytes");
  }
  Bytes content;
  content.reserve(size);
  const auto put = [&](std::string_view text) {
    content.insert(content.end(), text.begin(), text.end());
  };
  put(head_);
  for (const Item& item : items_) {
    if (&item != &items_.front()) put(",");
    put(item.text);
  }
  put(tail_);
  return content;
}

const JsonElement* JsonKeyring::Find(const KeyName& name) const {
  const auto found = std::ranges::find(
      items_, name, [](const Item& item) { return item.parsed.name; });
  return found == items_.end() ? nullptr : &found->parsed;
}

JsonEncoding JsonKeyring::encoding() const {
  return items_.empty() ? JsonEncoding::kPercona
                        : items_.back().parsed.encoding;
}

Status JsonKeyring::Add(const KeyName& name, std::string_view type,
                        const WrappedKey& wrapped) {
  Status status = CheckStorable(name, type);
  if (status.ok()) status = CheckJsonBlob(wrapped.blob, encoding());
  if (!status.ok()) return status;
  if (Find(name) != nullptr) {
    return {StatusCode::kAlreadyExists, ToString(name) + " is there already"};
  }
  JsonElement element{name, std::string(type), wrapped, encoding()};
  std::string text = WriteJsonElement(element);
  items_.push_back({std::move(element), std::move(text)});
  return Status::Ok();
}

Status JsonKeyring::Remove(const KeyName& name) {
  const size_t removed = std::erase_if(
      items_, [&](const Item& item) { return item.parsed.name == name; });
  if (removed != 0) return Status::Ok();
  return {StatusCode::kNotFound, ToString(name) + " is not in the file"};
}

Status JsonKeyring::SetWrapped(size_t index, const WrappedKey& wrapped) {
  Item& item = items_[index];
  Status status = CheckJsonBlob(wrapped.blob, item.parsed.encoding);
  if (!status.ok()) return status;
  item.parsed.wrapped = wrapped;
  item.text = ReplaceJsonData(item.text, item.parsed);
  return Status::Ok();
}

void JsonKeyring::SetWrappingKey(size_t index, std::string wrapping_key) {
  items_[index].parsed.wrapped.wrapping_key = std::move(wrapping_key);
}

std::string_view JsonFormatName(JsonEncoding encoding) {
  return encoding == JsonEncoding::kPercona ? "Percona JSON 1.0"
                                            : "Oracle JSON 1.0";
}

}  // namespace openkeyring
