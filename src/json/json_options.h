// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_JSON_JSON_OPTIONS_H_
#define OPENKEYRING_JSON_JSON_OPTIONS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace openkeyring {

// The options of a configuration file that is one JSON object, taken one by one
// by code that knows their names and types. Problems are collected, and Finish
// reports all of them. A key that was not asked for is not a problem by itself:
// UnknownOptions has them.
//
// As printed in the manuals of the products that ours replace, booleans may
// also be the strings "true" and "false", and numbers may be strings.
//
// Threads: one object is not synchronized.
class JsonOptions {
 public:
  // kMisconfigured, with line and column, for what is not a JSON object, or has
  // a duplicate key. `secret_names` are taken out before a JSON library sees
  // the rest; `text` is changed. "a.b" is member b of the object a, and is
  // taken as `b` from Object("a"). A byte order mark is skipped. `source` is
  // the file's path, for error texts.
  static Result<JsonOptions> Parse(
      Secret& text, std::string source,
      const std::vector<std::string>& secret_names);

  JsonOptions(JsonOptions&&) noexcept;
  JsonOptions& operator=(JsonOptions&&) noexcept;
  ~JsonOptions();

  bool Has(const std::string& name) const;
  // Whether one of `secret_names` is there.
  bool HasSecret(const std::string& name) const;
  // "" when absent. A string of whitespace is an error.
  std::string Text(const std::string& name);
  // Like Text, but a string of whitespace counts as absent.
  std::string TextOrBlank(const std::string& name);
  // An array of strings, or one string with commas between. Whitespace alone is
  // an error.
  std::vector<std::string> TextList(const std::string& name);
  // One of `secret_names`; empty when absent. Empty text is an error.
  Secret TakeSecret(const std::string& name);
  std::optional<bool> Bool(const std::string& name);
  // Nothing when absent or wrong.
  std::optional<int64_t> Integer(const std::string& name, int64_t least,
                                 int64_t most);
  // A whole number of any size that is not negative. What does not fit is the
  // largest there is; nothing when absent or wrong.
  std::optional<uint64_t> Count(const std::string& name);
  bool IsList(const std::string& name) const;
  // The options of an object in this one, with the source "name", and its
  // secrets. The caller takes its members, and passes it to Adopt. Empty when
  // absent; what is not an object is an error.
  JsonOptions Object(const std::string& name);
  // The errors and the unknown options of `inner`, which Object gave.
  void Adopt(const JsonOptions& inner);
  // The entries of an array, an object each, with a source such as "kms_key,
  // entry 2"; a string among them stands for an object with `text_member`
  // alone. The caller takes each one's members, and complains about what its
  // Finish says.
  std::vector<JsonOptions> Objects(const std::string& name,
                                   const std::string& text_member);
  // An object of texts.
  std::map<std::string, std::string> Texts(const std::string& name);

  // An error about an option that only the caller can see.
  void Complain(const std::string& text);
  // An error unless the option is there.
  void Require(const std::string& name);
  // True when the option is there. It is known then, whatever its value is.
  bool Ignore(const std::string& name);
  // Another product's name for `name`: its value counts as that one's. An error
  // when both are there.
  void Alias(const std::string& theirs, const std::string& name);
  // An unknown key of that name is answered with this advice.
  void Advise(const std::string& name, const std::string& advice);
  // Something that is not an error. Kept for Warnings.
  void Warn(const std::string& text) { warnings_.push_back(text); }

  // Ok, or kMisconfigured with the file and all that is wrong with it, unknown
  // keys included: one of them may be the missing option, misspelt.
  Status Finish();
  // A sentence for each key that nobody asked for, with the nearest known name
  // or the advice. Complete once every option was taken.
  std::vector<std::string> UnknownOptions() const;
  const std::vector<std::string>& warnings() const { return warnings_; }
  const std::string& source() const { return source_; }

 private:
  struct Values;  // nlohmann's.

  JsonOptions();
  std::string Nearest(const std::string& name) const;
  void AddSecretName(const std::string& name);

  std::string source_;
  std::unique_ptr<Values> values_;
  std::set<std::string> secret_names_;  // All that may be there.
  std::map<std::string, Secret> secrets_;
  std::set<std::string> known_;
  std::map<std::string, std::string> advice_;
  std::vector<std::string> errors_;
  std::vector<std::string> unknown_inside_;  // Of adopted objects.
  std::vector<std::string> warnings_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_JSON_JSON_OPTIONS_H_
