// SPDX-License-Identifier: MIT
#include "cli/redaction.h"

#include <algorithm>
#include <string_view>

#include "base/encoding.h"
#include "cli/installation.h"

namespace openkeyring {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kLeftOut[] = "(left out)";
constexpr std::string_view kScheme = "://";

constexpr std::string_view kOptions[] = {"path",
                                         "read_only",
                                         "kms_key",
                                         "region",
                                         "profile",
                                         "role_arn",
                                         "endpoint_url",
                                         "allow_unencrypted_endpoint",
                                         "use_fips_endpoint",
                                         "use_dualstack_endpoint",
                                         "ca_bundle",
                                         "connect_timeout_ms",
                                         "request_timeout_ms",
                                         "max_attempts",
                                         "startup_deadline_ms",
                                         "reload_deadline_ms",
                                         "operation_deadline_ms",
                                         "load_parallelism",
                                         "file_format",
                                         "allow_new_keyring",
                                         "read_local_config",
                                         "allow_insecure_permissions",
                                         "server_addr",
                                         "server_port",
                                         "server",
                                         "standby_servers",
                                         "standby_server",
                                         "client_ca",
                                         "client_key",
                                         "server_ca",
                                         "client_key_password_file",
                                         "object_group",
                                         "kmip_version",
                                         "kmip_timeout_ms",
                                         "max_objects",
                                         "activate_pre_active",
                                         "tls_peer_verification",
                                         "tls_hostname_verification",
                                         "tls_min_version",
                                         "recovery_public_key",
                                         "local_unlock_file"};

constexpr std::string_view kManifest[] = {"components", "read_local_manifest"};

// Of an entry of a list of KMS keys; no other option has objects to show.
constexpr std::string_view kMembers[] = {"key", "region", "endpoint_url",
                                         "profile", "role_arn"};

constexpr std::string_view kServerVariables[] = {
    "datadir",
    "basedir",
    "plugin_dir",
    "early_plugin_load",
    "plugin_load",
    "plugin_load_add",
    "user",
    "encrypt_binlog",
    "innodb_encrypt_tables",
    "innodb_encrypt_log",
    "innodb_encrypt_temporary_tables",
    "innodb_encryption_threads",
    "innodb_encryption_rotate_key_age",
    "innodb_encryption_rotation_iops"};

// Of the plugins, behind the plugin's name.
constexpr std::string_view kPluginVariables[] = {"cmk_id",
                                                 "region",
                                                 "conf_file",
                                                 "data_file",
                                                 "endpoint_url",
                                                 "allow_unencrypted_endpoint",
                                                 "credentials",
                                                 "cache_keys",
                                                 "allow_new_keyring",
                                                 "connect_timeout_ms",
                                                 "request_timeout_ms",
                                                 "operation_deadline_ms",
                                                 "rotate_deadline_ms",
                                                 "parallelism",
                                                 "master_key_id",
                                                 "key_spec",
                                                 "rotate_key",
                                                 "log_level",
                                                 "request_timeout",
                                                 "keyfile_dir",
                                                 "encryption_algorithm",
                                                 "bind_key_id",
                                                 "key_store",
                                                 "key_source",
                                                 "recovery_public_key",
                                                 "local_unlock_file",
                                                 "load_parallelism",
                                                 "startup_deadline",
                                                 "operation_deadline",
                                                 "servers",
                                                 "server_ca",
                                                 "client_cert",
                                                 "client_key",
                                                 "client_key_password_file",
                                                 "object_group",
                                                 "kmip_version",
                                                 "tls_peer_verification",
                                                 "tls_hostname_verification",
                                                 "tls_min_version",
                                                 "connect_timeout",
                                                 "max_objects"};

bool IsIn(const auto& names, std::string_view name) {
  return std::ranges::find(names, name) != std::end(names);
}

std::string Dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json ShownValue(const Json& value);

// What follows "?" in a URL may be a signature or a token.
std::string WithoutQuery(std::string_view url) {
  const size_t query = url.find('?');
  if (query == url.npos) return std::string(url);
  return std::string(url.substr(0, query + 1)) + kLeftOut;
}

// A list of KMS keys may be text, too. A path may have an "@", and of all else
// that has one it is not known what stands before it.
Json ShownText(const std::string& text) {
  const std::string_view trimmed = Trim(text);
  if (trimmed.starts_with('[') || trimmed.starts_with('{')) {
    const Json list = Json::parse(trimmed, nullptr, false);
    return list.is_discarded() ? Json(kLeftOut)
                               : Json(Dumped(ShownValue(list)));
  }
  const bool is_path = text.starts_with('/') && !text.starts_with("//");
  if (is_path) return text;
  const size_t scheme = text.find(kScheme), at = text.rfind('@');
  if (at == text.npos) return WithoutQuery(text);
  if (scheme == text.npos || scheme > at) return kLeftOut;
  return text.substr(0, scheme) + std::string(kScheme) + kLeftOut +
         WithoutQuery(text.substr(at));
}

Json ShownValue(const Json& value) {
  if (value.is_string()) return ShownText(value.get<std::string>());
  if (!value.is_structured()) return value;
  Json shown = value.is_array() ? Json::array() : Json::object();
  for (const auto& [name, member] : value.items()) {
    if (value.is_array()) {
      shown.push_back(ShownValue(member));
    } else {
      const bool known = IsIn(kMembers, name) && !member.is_structured();
      shown[name] = known ? ShownValue(member) : Json(kLeftOut);
    }
  }
  return shown;
}

Json ShownMembers(const Json& object, const auto& names) {
  Json shown = Json::object();
  for (const auto& [name, value] : object.items()) {
    shown[name] = IsIn(names, name) ? ShownValue(value) : Json(kLeftOut);
  }
  return shown;
}

// "region" of "keyring_aws_region"; "" for what is of no product.
std::string_view BehindProduct(std::string_view name) {
  for (const Product product : kAllProducts) {
    const std::string prefix = std::string(ProductName(product)) + "_";
    if (name.starts_with(prefix)) return name.substr(prefix.size());
  }
  return "";
}

// "user:password@" may have lost its scheme, as in an option that is refused
// for that.
std::string ShownWord(std::string_view word) {
  const size_t at = word.rfind('@');
  if (at == word.npos || word.find(':') > at) return std::string(word);
  return kLeftOut + std::string(word.substr(at));
}

// Word by word, of which those that are URLs have no query.
std::string ShownWords(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(" \t"), text.size());
    const std::string_view word = text.substr(0, end);
    shown +=
        word.find(kScheme) == word.npos ? ShownWord(word) : WithoutQuery(word);
    shown += text.substr(end, 1);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return shown;
}

// A password may have anything in it, a space and a "://" too: all from the
// first URL of a line to its last "@" is taken for one.
std::string ShownLine(std::string_view line) {
  const size_t scheme = line.find(kScheme), at = line.rfind('@');
  if (scheme == line.npos || at == line.npos || at < scheme) {
    return ShownWords(line);
  }
  const std::string_view rest = line.substr(at);
  const size_t end = std::min(rest.find_first_of(" \t"), rest.size());
  return ShownWords(line.substr(0, scheme)) + std::string(kScheme) + kLeftOut +
         WithoutQuery(rest.substr(0, end)) + ShownWords(rest.substr(end));
}

}  // namespace

Json ShownConfiguration(const Json& config) {
  return ShownMembers(config, kOptions);
}

Json ShownManifest(const Json& manifest) {
  return ShownMembers(manifest, kManifest);
}

std::string ShownVariables(const ServerVariables& variables) {
  std::string text;
  for (const auto& [name, value] : variables) {
    const std::string_view own = BehindProduct(name);
    const bool is_shown = own.empty() ? IsIn(kServerVariables, name)
                                      : IsIn(kPluginVariables, own);
    if (own.empty() && !is_shown) continue;
    text += name + " = " +
            (is_shown ? ShownText(value).get<std::string>() : kLeftOut) + "\n";
  }
  return text;
}

std::string WithoutUserInformation(const std::string& text) {
  std::string shown;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    shown += ShownLine(std::string_view(text).substr(start, end - start));
    if (end < text.size()) shown += '\n';
    start = end + 1;
  }
  return shown;
}

Json WithoutUserInformation(Json json) {
  if (json.is_string()) {
    return WithoutUserInformation(json.get<std::string>());
  }
  if (json.is_structured()) {
    for (Json& member : json)
      member = WithoutUserInformation(std::move(member));
  }
  return json;
}

}  // namespace openkeyring
