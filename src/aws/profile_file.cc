// SPDX-License-Identifier: MIT
#include "aws/profile_file.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/encoding.h"

namespace openkeyring {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kBlanks = " \t";

constexpr std::array<std::string_view, 29> kKnownKeys = {
    "aws_access_key_id",
    "ca_bundle",
    "credential_process",
    "credential_source",
    "duration_seconds",
    "ec2_metadata_service_endpoint",
    "ec2_metadata_service_endpoint_mode",
    "ec2_metadata_v1_disabled",
    "endpoint_url",
    "external_id",
    "ignore_configured_endpoint_urls",
    "login_session",
    "max_attempts",
    "metadata_service_num_attempts",
    "metadata_service_timeout",
    "mfa_serial",
    "region",
    "role_arn",
    "role_session_name",
    "services",
    "source_profile",
    "sso_account_id",
    "sso_region",
    "sso_role_name",
    "sso_session",
    "sso_start_url",
    "use_dualstack_endpoint",
    "use_fips_endpoint",
    "web_identity_token_file",
};

bool IsComment(std::string_view trimmed) {
  return trimmed.empty() || trimmed[0] == '#' || trimmed[0] == ';';
}

// Up to a space that a comment sign follows, trimmed.
std::string_view WithoutComment(std::string_view value) {
  for (size_t i = 1; i < value.size(); ++i) {
    const bool sign = value[i] == '#' || value[i] == ';';
    if (sign && kBlanks.find(value[i - 1]) != std::string_view::npos) {
      value = value.substr(0, i);
    }
  }
  return Trim(value);
}

std::string_view WithoutQuotes(std::string_view name) {
  if (name.size() < 2) return name;
  const char quote = name.front();
  if ((quote != '"' && quote != '\'') || name.back() != quote) return name;
  return name.substr(1, name.size() - 2);
}

// "profile x" -> "x" for the word "profile"; nothing for other text.
std::optional<std::string> NameAfter(std::string_view title,
                                     std::string_view word) {
  if (!title.starts_with(word)) return std::nullopt;
  title.remove_prefix(word.size());
  if (title.empty() || kBlanks.find(title[0]) == std::string_view::npos) {
    return std::nullopt;
  }
  return std::string(WithoutQuotes(Trim(title)));
}

struct Property {
  std::string key;  // Lower case.
  std::string_view value;
};

std::optional<Property> SplitProperty(std::string_view line) {
  const size_t sign = line.find_first_of("=:");
  if (sign == std::string_view::npos) return std::nullopt;
  Property property{AsciiLower(Trim(line.substr(0, sign))),
                    WithoutComment(line.substr(sign + 1))};
  if (property.key.empty()) return std::nullopt;
  return property;
}

// Puts lines into sections.
class Reader {
 public:
  using Sections = std::map<std::string, ProfileSection>;

  Reader(ProfileFile::Kind kind, Sections& profiles, Sections& services)
      : kind_(kind), profiles_(profiles), services_(services) {}

  // "" when all is well, else what is wrong with the line.
  const char* ReadLine(std::string_view line) {
    const std::string_view trimmed = Trim(line);
    if (IsComment(trimmed)) return "";
    const size_t indent = line.find_first_not_of(kBlanks);
    if (trimmed[0] == '[') return ReadTitle(trimmed);
    if (in_property_ && indent > property_indent_) return ReadNested(trimmed);
    return ReadProperty(trimmed, indent);
  }

  // [profile default] was kept apart: where it is, [default] does not count.
  void Finish() {
    if (kind_ != ProfileFile::Kind::kConfig) return;
    const auto found = profiles_.find(kPrefixedDefault);
    if (found == profiles_.end()) return;
    profiles_["default"] = std::move(found->second);
    profiles_.erase(kPrefixedDefault);
  }

 private:
  static constexpr const char* kPrefixedDefault = "profile default";

  const char* ReadTitle(std::string_view line) {
    in_property_ = false;
    seen_title_ = true;
    const size_t end = line.find(']');
    if (end == std::string_view::npos) return "a [ without a ]";
    if (!IsComment(Trim(line.substr(end + 1)))) return "text after the ]";
    section_ = SectionOf(Trim(line.substr(1, end - 1)));
    return "";
  }

  // Null for sections that do not matter here.
  ProfileSection* SectionOf(std::string_view title) {
    if (kind_ == ProfileFile::Kind::kCredentials) {
      return &profiles_[std::string(WithoutQuotes(title))];
    }
    if (title == "default") return &profiles_["default"];
    if (const auto name = NameAfter(title, "profile")) {
      return &profiles_[*name == "default" ? kPrefixedDefault : *name];
    }
    const auto name = NameAfter(title, "services");
    return name ? &services_[*name] : nullptr;
  }

  const char* ReadProperty(std::string_view line, size_t indent) {
    if (!seen_title_) return "a line before the first [section]";
    const std::optional<Property> property = SplitProperty(line);
    if (!property) return "neither a [section] nor KEY = VALUE";
    in_property_ = true;
    property_indent_ = indent;
    key_ = property->key;
    has_value_ = !property->value.empty();
    if (section_ != nullptr) Keep(*property);
    return "";
  }

  const char* ReadNested(std::string_view line) {
    if (has_value_) {
      if (section_ != nullptr) Continue(line);
      return "";
    }
    const std::optional<Property> property = SplitProperty(line);
    if (!property) return "an indented line that is not KEY = VALUE";
    if (section_ != nullptr && property->key == "endpoint_url") {
      section_->nested[key_][property->key] = property->value;
    }
    return "";
  }

  void Keep(const Property& property) {
    if (Secret* secret = SecretOf(property.key)) {
      *secret = Secret::CopyOf(property.value);
    } else if (std::ranges::find(kKnownKeys, property.key) !=
               kKnownKeys.end()) {
      section_->values[property.key] = property.value;
    }
  }

  void Continue(std::string_view line) {
    if (Secret* secret = SecretOf(key_)) {
      secret->Append(std::string_view("\n"));
      secret->Append(line);
    } else if (const auto value = section_->values.find(key_);
               value != section_->values.end()) {
      value->second += "\n" + std::string(line);
    }
  }

  // Null for a key whose value is not secret.
  Secret* SecretOf(std::string_view key) {
    if (key == "aws_secret_access_key") return &section_->secret_access_key;
    if (key == "aws_security_token") return &section_->security_token;
    return key == "aws_session_token" ? &section_->session_token : nullptr;
  }

  const ProfileFile::Kind kind_;
  Sections& profiles_;
  Sections& services_;
  ProfileSection* section_ = nullptr;
  bool seen_title_ = false;
  bool in_property_ = false;
  size_t property_indent_ = 0;
  std::string key_;  // Of the property whose nested lines may follow.
  bool has_value_ = false;
};

}  // namespace

std::string ProfileSection::Value(const std::string& key) const {
  const auto found = values.find(key);
  return found == values.end() ? "" : found->second;
}

ProfileFile ProfileFile::Unreadable(std::string why) {
  ProfileFile file;
  file.unreadable_ = std::move(why);
  return file;
}

Result<ProfileFile> ProfileFile::Parse(const Secret& text, Kind kind,
                                       std::string path) {
  ProfileFile file;
  Reader reader(kind, file.profiles_, file.services_);
  std::string_view rest = text.RevealText();
  if (rest.starts_with(kByteOrderMark)) {
    rest.remove_prefix(kByteOrderMark.size());
  }
  for (int number = 1; !rest.empty(); ++number) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    const std::string_view wrong = reader.ReadLine(line);
    if (!wrong.empty()) {
      return Status(StatusCode::kMisconfigured, path + ", line " +
                                                    std::to_string(number) +
                                                    ": " + std::string(wrong));
    }
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  }
  reader.Finish();
  file.path_ = std::move(path);
  return file;
}

const ProfileSection* ProfileFile::FindProfile(const std::string& name) const {
  const auto found = profiles_.find(name);
  return found == profiles_.end() ? nullptr : &found->second;
}

const ProfileSection* ProfileFile::FindServices(const std::string& name) const {
  const auto found = services_.find(name);
  return found == services_.end() ? nullptr : &found->second;
}

}  // namespace openkeyring
