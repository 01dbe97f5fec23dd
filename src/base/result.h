// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_BASE_RESULT_H_
#define OPENKEYRING_BASE_RESULT_H_

#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

#include "base/status.h"

namespace openkeyring {

// A value, or the Status that says why there is none. Use like std::expected:
//
//   Result<Secret> key = store.Fetch(id);
//   if (!key) return key.error();      // A Status converts to any Result.
//   Use(*key);
template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Status> {
 public:
  using tl::expected<T, Status>::expected;
  // From an error. Passing an Ok status is a bug and becomes kInternal.
  Result(Status status)  // NOLINT: a Status is a Result, implicitly.
      : tl::expected<T, Status>(tl::unexpect, Checked(std::move(status))) {}

  // The error, or Ok when there is a value.
  Status status() const { return *this ? Status::Ok() : this->error(); }

 private:
  static Status Checked(Status status) {
    if (!status.ok()) return status;
    return {StatusCode::kInternal, "a result was made of an Ok status"};
  }
};

}  // namespace openkeyring

#endif  // OPENKEYRING_BASE_RESULT_H_
