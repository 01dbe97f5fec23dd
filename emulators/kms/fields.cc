// SPDX-License-Identifier: MIT
#include "emulators/kms/fields.h"

#include <algorithm>

#include "base/encoding.h"

namespace kms_emulator {
namespace {

constexpr Fields::Limits kKeyIdLimits = {1, 2048};
constexpr size_t kMaxGrantTokens = 10;

// AWS names members in these texts with a small first letter.
std::string Shown(const char* name) {
  std::string text = name;
  if (text[0] >= 'A' && text[0] <= 'Z') text[0] += 'a' - 'A';
  return text;
}

}  // namespace

bool Fields::Has(std::string_view name) const {
  const auto found = body_.find(name);
  return found != body_.end() && !found->is_null();
}

const Json* Fields::Find(const char* name, Need need) {
  const auto found = body_.find(name);
  if (found != body_.end() && !found->is_null()) return &*found;
  if (need == Need::kRequired) {
    broken_.push_back(
        "Value null at '" + Shown(name) +
        "' failed to satisfy constraint: Member must not be null");
  }
  return nullptr;
}

const Json* Fields::FindOfType(const char* name, Need need,
                               Json::value_t type) {
  const Json* member = Find(name, need);
  if (member == nullptr || member->type() == type) return member;
  bad_type_ = true;
  return nullptr;
}

void Fields::Note(const char* name, const std::string& value,
                  const std::string& constraint) {
  broken_.push_back("Value '" + value + "' at '" + Shown(name) +
                    "' failed to satisfy constraint: " + constraint);
}

void Fields::CheckSize(const char* name, const std::string& shown, size_t size,
                       Limits limits) {
  if (size < limits.min) {
    Note(name, shown,
         "Member must have length greater than or equal to " +
             std::to_string(limits.min));
  } else if (size > limits.max) {
    Note(name, shown,
         "Member must have length less than or equal to " +
             std::to_string(limits.max));
  }
}

std::string Fields::Text(const char* name, Need need, Limits limits) {
  const Json* member = FindOfType(name, need, Json::value_t::string);
  if (member == nullptr) return "";
  const std::string text = member->get<std::string>();
  CheckSize(name, text, text.size(), limits);
  return text;
}

std::string Fields::RequiredKeyId(const char* name) {
  return Text(name, Need::kRequired, kKeyIdLimits);
}

std::string Fields::OptionalKeyId(const char* name) {
  return Text(name, Need::kOptional, kKeyIdLimits);
}

std::string Fields::OneOf(const char* name, std::string fallback,
                          std::initializer_list<std::string_view> allowed) {
  const Json* member = FindOfType(name, Need::kOptional, Json::value_t::string);
  if (member == nullptr) return fallback;
  const std::string text = member->get<std::string>();
  if (std::ranges::find(allowed, text) == allowed.end()) {
    std::string set;
    for (const std::string_view one : allowed) {
      set += (set.empty() ? "" : ", ") + std::string(one);
    }
    Note(name, text, "Member must satisfy enum value set: [" + set + "]");
  }
  return text;
}

std::optional<int64_t> Fields::Number(const char* name, int64_t min,
                                      int64_t max) {
  const Json* member = Find(name, Need::kOptional);
  if (member == nullptr) return std::nullopt;
  if (!member->is_number_integer()) {
    bad_type_ = true;
    return std::nullopt;
  }
  const auto value = member->get<int64_t>();
  if (value < min) {
    Note(name, std::to_string(value),
         "Member must have value greater than or equal to " +
             std::to_string(min));
  } else if (value > max) {
    Note(name, std::to_string(value),
         "Member must have value less than or equal to " + std::to_string(max));
  }
  return value;
}

int64_t Fields::RequiredNumber(const char* name, int64_t min, int64_t max) {
  (void)Find(name, Need::kRequired);
  return Number(name, min, max).value_or(0);
}

Bytes Fields::Blob(const char* name, Limits limits) {
  const Json* member = FindOfType(name, Need::kRequired, Json::value_t::string);
  if (member == nullptr) return {};
  Result<Bytes> bytes =
      openkeyring::Base64Decode(member->get_ref<const std::string&>());
  if (!bytes) {
    bad_type_ = true;
    return {};
  }
  // AWS shows the object's name in Java here, never the bytes.
  CheckSize(name, "java.nio.HeapByteBuffer", bytes->size(), limits);
  return std::move(*bytes);
}

Context Fields::EncryptionContext(const char* name) {
  const Json* member = FindOfType(name, Need::kOptional, Json::value_t::object);
  Context context;
  if (member == nullptr) return context;
  for (const auto& [key, value] : member->items()) {
    if (!value.is_string()) {
      bad_type_ = true;
      return {};
    }
    context[key] = value.get<std::string>();
  }
  return context;
}

bool Fields::Flag(const char* name) {
  const Json* member =
      FindOfType(name, Need::kOptional, Json::value_t::boolean);
  return member != nullptr && member->get<bool>();
}

void Fields::GrantTokens() {
  const Json* member =
      FindOfType("GrantTokens", Need::kOptional, Json::value_t::array);
  if (member == nullptr) return;
  for (const Json& token : *member) {
    if (!token.is_string()) bad_type_ = true;
  }
  CheckSize("GrantTokens", "[...]", member->size(), {0, kMaxGrantTokens});
}

void Fields::Invalid(std::string message) {
  if (lone_error_.empty()) lone_error_ = std::move(message);
}

Outcome<void> Fields::Check() const {
  if (bad_type_) return Fail("SerializationException");
  if (!broken_.empty()) {
    std::string text = std::to_string(broken_.size()) + " validation error" +
                       (broken_.size() > 1 ? "s" : "") + " detected: ";
    for (size_t i = 0; i < broken_.size(); ++i) {
      text += (i > 0 ? "; " : "") + broken_[i];
    }
    return Fail("ValidationException", text);
  }
  if (!lone_error_.empty()) return Fail("ValidationException", lone_error_);
  return {};
}

}  // namespace kms_emulator
