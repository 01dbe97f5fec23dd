// SPDX-License-Identifier: MIT
#include "json/json_options.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "base/encoding.h"
#include "json/json_text.h"
#include "json/secret_json.h"

namespace openkeyring {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostErrors = 8;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Parses, and collects the keys that come twice in the outermost object, or in
// one of a list in it.
Json ParseNoting(std::string_view text, std::set<std::string>& twice) {
  constexpr int kOutermost = 1, kInList = 3;
  std::set<std::string> seen, seen_in_list;
  const auto note = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) seen_in_list.clear();
    if (event != Json::parse_event_t::key) return true;
    const auto name = parsed.get<std::string>();
    if ((depth == kOutermost && !seen.insert(name).second) ||
        (depth == kInList && !seen_in_list.insert(name).second)) {
      twice.insert(name);
    }
    return true;
  };
  return Json::parse(text, note, false);
}

// A name of the file's as a log line can hold it: short, and printable ASCII.
std::string Quotable(std::string_view name) {
  std::string text(name.substr(0, 64));
  std::ranges::replace_if(
      text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

// The number of changed, added and removed characters between two names.
size_t Distance(std::string_view left, std::string_view right) {
  std::vector<size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= left.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= right.size(); ++j) {
      const size_t changed = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

struct JsonOptions::Values {
  Json object;

  const Json* Find(const std::string& name) const {
    const auto found = object.find(name);
    return found == object.end() ? nullptr : &*found;
  }
};

JsonOptions::JsonOptions() : values_(std::make_unique<Values>()) {}
JsonOptions::JsonOptions(JsonOptions&&) noexcept = default;
JsonOptions& JsonOptions::operator=(JsonOptions&&) noexcept = default;
JsonOptions::~JsonOptions() = default;

Result<JsonOptions> JsonOptions::Parse(
    Secret& text, std::string source,
    const std::vector<std::string>& secret_names) {
  JsonOptions options;
  options.source_ = std::move(source);
  if (text.RevealText().starts_with(kByteOrderMark)) {
    std::ranges::fill(text.RevealMutable().first(kByteOrderMark.size()), ' ');
  }
  for (const std::string& name : secret_names) {
    Result<Secret> secret = TakeInnerJsonString(text, name);
    if (secret) {
      if (secret->empty()) options.Complain(name + " must not be empty");
      options.secrets_[name] = std::move(*secret);
    } else if (secret.error().code() == StatusCode::kCorrupt) {
      MaskJsonTexts(text);
      if (!IsJsonObject(text.RevealText())) break;
      return Status(StatusCode::kMisconfigured,
                    options.source_ + ": " + name +
                        " must be given once, as a string in quotes");
    }
  }
  std::set<std::string> twice;
  options.values_->object = ParseNoting(text.RevealText(), twice);
  if (options.values_->object.is_discarded()) {
    return Status(StatusCode::kMisconfigured,
                  options.source_ +
                      " has not valid format: it is not valid JSON at " +
                      PlaceOfJsonError(text.RevealText()));
  }
  if (!options.values_->object.is_object()) {
    return Status(StatusCode::kMisconfigured,
                  options.source_ +
                      " has not valid format: it must hold one JSON object, "
                      "{...}");
  }
  for (const std::string& name : twice) {
    options.Complain(Quotable(name) + " is a duplicate");
  }
  for (const std::string& name : secret_names) options.AddSecretName(name);
  return options;
}

bool JsonOptions::Has(const std::string& name) const {
  return values_->Find(name) != nullptr;
}

bool JsonOptions::HasSecret(const std::string& name) const {
  return secrets_.contains(name);
}

std::string JsonOptions::Text(const std::string& name) {
  const size_t errors = errors_.size();
  std::string text = TextOrBlank(name);
  if (text.empty() && Has(name) && errors_.size() == errors) {
    Complain(name + " must not be empty");
  }
  return text;
}

std::string JsonOptions::TextOrBlank(const std::string& name) {
  known_.insert(name);
  const Json* value = values_->Find(name);
  if (value == nullptr) return "";
  if (!value->is_string()) {
    Complain(name + " must be a string in quotes");
    return "";
  }
  std::string text = value->get<std::string>();
  return Trim(text).empty() ? "" : text;
}

std::vector<std::string> JsonOptions::TextList(const std::string& name) {
  known_.insert(name);
  std::vector<std::string> texts;
  const Json* value = values_->Find(name);
  if (value == nullptr) return texts;
  bool right = value->is_string() || value->is_array();
  if (value->is_string()) {
    const std::string text = value->get<std::string>();
    for (size_t start = 0, end = 0; end != text.npos; start = end + 1) {
      end = text.find(',', start);
      texts.emplace_back(Trim(std::string_view(text).substr(
          start, end == text.npos ? end : end - start)));
    }
  } else if (value->is_array()) {
    for (const Json& one : *value) {
      right &= one.is_string();
      if (right) texts.emplace_back(Trim(one.get<std::string>()));
    }
  }
  right &= std::ranges::none_of(texts, &std::string::empty);
  if (!right) Complain(name + " must be a list of texts, none of them empty");
  return right ? texts : std::vector<std::string>{};
}

Secret JsonOptions::TakeSecret(const std::string& name) {
  const auto found = secrets_.find(name);
  return found == secrets_.end() ? Secret()
                                 : std::exchange(found->second, Secret());
}

std::optional<bool> JsonOptions::Bool(const std::string& name) {
  known_.insert(name);
  const Json* value = values_->Find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  if (value->is_string()) {
    const std::string text = AsciiLower(value->get<std::string>());
    if (text == "true") return true;
    if (text == "false") return false;
  }
  Complain(name + " must be true or false");
  return std::nullopt;
}

std::optional<int64_t> JsonOptions::Integer(const std::string& name,
                                            int64_t least, int64_t most) {
  known_.insert(name);
  const Json* value = values_->Find(name);
  if (value == nullptr) return std::nullopt;
  std::optional<int64_t> number;
  if (value->is_number_unsigned()) {
    const uint64_t raw = value->get<uint64_t>();
    if (raw <= INT64_MAX) number = static_cast<int64_t>(raw);
  } else if (value->is_number_integer()) {
    number = value->get<int64_t>();
  } else if (value->is_string()) {
    const std::string text = value->get<std::string>();
    int64_t parsed = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), parsed);
    if (error == std::errc() && end == text.data() + text.size()) {
      number = parsed;
    }
  }
  if (number && *number >= least && *number <= most) return number;
  Complain(name + " must be a whole number from " + std::to_string(least) +
           " to " + std::to_string(most));
  return std::nullopt;
}

std::optional<uint64_t> JsonOptions::Count(const std::string& name) {
  known_.insert(name);
  const Json* value = values_->Find(name);
  if (value == nullptr) return std::nullopt;
  const std::string text =
      value->is_string() ? value->get<std::string>() : value->dump();
  uint64_t number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (end == text.data() + text.size() && !text.empty()) {
    if (error == std::errc()) return number;
    if (error == std::errc::result_out_of_range) return UINT64_MAX;
  }
  Complain(name + " must be a whole number, 0 or more");
  return std::nullopt;
}

bool JsonOptions::IsList(const std::string& name) const {
  const Json* value = values_->Find(name);
  return value != nullptr && value->is_array();
}

void JsonOptions::AddSecretName(const std::string& name) {
  secret_names_.insert(name);
  if (name.find('.') == name.npos) known_.insert(name);
}

JsonOptions JsonOptions::Object(const std::string& name) {
  known_.insert(name);
  JsonOptions inner;
  inner.source_ = name;
  inner.values_->object = Json::object();
  const Json* value = values_->Find(name);
  if (value == nullptr) return inner;
  if (!value->is_object()) {
    Complain(name + " must be an object: {...}");
    return inner;
  }
  inner.values_->object = *value;
  for (const std::string& path : secret_names_) {
    if (!path.starts_with(name + ".")) continue;
    const std::string member = path.substr(name.size() + 1);
    inner.AddSecretName(member);
    if (HasSecret(path)) inner.secrets_[member] = TakeSecret(path);
  }
  return inner;
}

void JsonOptions::Adopt(const JsonOptions& inner) {
  for (const std::string& error : inner.errors_) {
    Complain(inner.source_ + "." + error);
  }
  for (const std::string& unknown : inner.UnknownOptions()) {
    unknown_inside_.push_back(inner.source_ + ": " + unknown);
  }
}

std::vector<JsonOptions> JsonOptions::Objects(const std::string& name,
                                              const std::string& text_member) {
  known_.insert(name);
  std::vector<JsonOptions> entries;
  const Json* value = values_->Find(name);
  if (value == nullptr) return entries;
  bool right = value->is_array() && !value->empty();
  for (size_t i = 0; right && i < value->size(); ++i) {
    const Json& entry = (*value)[i];
    right = entry.is_string() || entry.is_object();
    JsonOptions options;
    options.source_ = name + ", entry " + std::to_string(i + 1);
    options.values_->object =
        entry.is_string() ? Json{{text_member, entry}} : entry;
    entries.push_back(std::move(options));
  }
  if (right) return entries;
  Complain(name +
           " must be a list of strings and objects, and must not be empty");
  return {};
}

std::map<std::string, std::string> JsonOptions::Texts(const std::string& name) {
  known_.insert(name);
  std::map<std::string, std::string> texts;
  const Json* value = values_->Find(name);
  if (value == nullptr) return texts;
  bool right = value->is_object();
  for (auto pair = value->begin(); right && pair != value->end(); ++pair) {
    right = pair->is_string();
    if (right) texts[pair.key()] = pair->get<std::string>();
  }
  if (!right)
    Complain(name + R"( must be an object of texts: {"name": "value"})");
  return texts;
}

void JsonOptions::Complain(const std::string& text) { errors_.push_back(text); }

void JsonOptions::Require(const std::string& name) {
  known_.insert(name);
  if (!Has(name)) Complain(name + " is missing");
}

bool JsonOptions::Ignore(const std::string& name) {
  known_.insert(name);
  return Has(name);
}

void JsonOptions::Alias(const std::string& theirs, const std::string& name) {
  if (!Has(theirs)) return;
  known_.insert(theirs);
  if (Has(name)) {
    Complain(theirs + " is another product's name for " + name +
             ": set one of them");
    return;
  }
  values_->object[name] = values_->object[theirs];
}

void JsonOptions::Advise(const std::string& name, const std::string& advice) {
  advice_[name] = advice;
}

// Of the names that were asked for; "" when none is near.
std::string JsonOptions::Nearest(const std::string& name) const {
  std::string nearest;
  size_t best = std::max<size_t>(2, name.size() / 3) + 1;
  for (const std::string& known : known_) {
    const size_t distance = Distance(AsciiLower(name), known);
    if (distance < best) {
      best = distance;
      nearest = known;
    }
  }
  return nearest;
}

std::vector<std::string> JsonOptions::UnknownOptions() const {
  std::vector<std::string> unknown = unknown_inside_;
  for (const auto& [name, value] : values_->object.items()) {
    if (known_.contains(name)) continue;
    const auto advice = advice_.find(name);
    const std::string nearest = Nearest(name);
    std::string text = "there is no option " + Quotable(name);
    if (advice != advice_.end()) {
      text += ": " + advice->second;
    } else if (!nearest.empty()) {
      text += "; did you mean " + nearest + "?";
    }
    unknown.push_back(std::move(text));
  }
  return unknown;
}

Status JsonOptions::Finish() {
  if (errors_.empty()) return Status::Ok();
  std::vector<std::string> all = errors_;
  for (std::string& unknown : UnknownOptions()) {
    all.push_back(std::move(unknown));
  }
  std::string text = source_ + ": ";
  for (size_t i = 0; i < all.size(); ++i) {
    if (i == kMostErrors) {
      text += "; and " + std::to_string(all.size() - i) + " more";
      break;
    }
    text += (i == 0 ? "" : "; ") + all[i];
  }
  return {StatusCode::kMisconfigured, text};
}

}  // namespace openkeyring
