// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_JSON_SECRET_JSON_H_
#define OPENKEYRING_JSON_SECRET_JSON_H_

#include <string_view>

#include "base/result.h"
#include "base/secret.h"

// Taking secret members out of a JSON answer before a JSON library, which keeps
// its values in ordinary memory, sees the rest.
namespace openkeyring {

// Finds the member of that name of the object that `body` is (RFC 8259; members
// of inner objects do not count), gives its text with all escapes decoded, and
// overwrites the text in `body` with asterisks, so that `body` stays JSON.
//
//   kNotFound  the object has no such member, or it is null
//   kCorrupt   not a JSON object, nested beyond 64 levels, the member twice or
//              not a string
//
// `body` is unchanged on failure. Error texts quote nothing of it. Numbers and
// UTF-8 are not checked: what parses the rest does that.
Result<Secret> TakeJsonString(Secret& body, std::string_view member);

// The same for a member of an inner object: `path` is "a.b" for member b of the
// object that is member a, or longer. kCorrupt also when a is not an object.
Result<Secret> TakeInnerJsonString(Secret& body, std::string_view path);

// As TakeJsonString, decoded from base64 (see Base64Decode) without a copy
// outside of secrets. kCorrupt when it is not base64; `body` is overwritten
// even then.
Result<Secret> TakeJsonBase64(Secret& body, std::string_view member);

}  // namespace openkeyring

#endif  // OPENKEYRING_JSON_SECRET_JSON_H_
