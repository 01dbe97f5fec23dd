// SPDX-License-Identifier: MIT
#include "json/json_check.h"

#include <set>
#include <string>
#include <vector>

#include "json/json_events.h"

namespace openkeyring {
namespace {

// Called by the library while it reads; false stops it.
class Checker : public JsonEvents {
 public:
  const std::string& problem() const { return problem_; }

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
  if (nlohmann::json::sax_parse(text.begin(), text.end(), &checker)) {
    return Status::Ok();
  }
  return {StatusCode::kCorrupt, checker.problem()};
}

}  // namespace openkeyring
