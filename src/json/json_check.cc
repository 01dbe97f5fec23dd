// SPDX-License-Identifier: MIT
#include "json/json_check.h"

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace openkeyring {
namespace {

using Json = nlohmann::ordered_json;

// Called by the library while it reads; false stops it.
class Checker : public nlohmann::json_sax<Json> {
 public:
  const std::string& problem() const { return problem_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override { return Enter(); }
  bool end_object() override { return Leave(); }
  bool start_array(size_t) override { return Enter(); }
  bool end_array() override { return Leave(); }

  bool key(string_t& name) override {
    std::set<std::string>& members = open_.back();
    if (members.size() == kMaxJsonMembers) {
      return Refuse("an object has more than " +
                    std::to_string(kMaxJsonMembers) + " members");
    }
    if (members.insert(name).second) return true;
    return Refuse("an object has two members of the same name");
  }

  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return Refuse("it is not JSON at byte " + std::to_string(position));
  }

 private:
  bool Enter() {
    if (open_.size() == kMaxJsonDepth) {
      return Refuse("it is nested deeper than " +
                    std::to_string(kMaxJsonDepth) + " levels");
    }
    open_.emplace_back();
    return true;
  }
  bool Leave() {
    open_.pop_back();
    return true;
  }
  bool Refuse(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  std::vector<std::set<std::string>> open_;  // Members of what is open.
  std::string problem_;
};

}  // namespace

Status CheckJson(std::string_view text) {
  // The library takes a zero byte for the end, whatever follows.
  if (const size_t zero = text.find('\0'); zero != std::string_view::npos) {
    return {StatusCode::kCorrupt,
            "it is not JSON at byte " + std::to_string(zero + 1)};
  }
  Checker checker;
  if (Json::sax_parse(text.begin(), text.end(), &checker)) {
    return Status::Ok();
  }
  return {StatusCode::kCorrupt, checker.problem()};
}

}  // namespace openkeyring
