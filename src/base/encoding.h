// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_BASE_ENCODING_H_
#define OPENKEYRING_BASE_ENCODING_H_

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace openkeyring {

// Lower-case hex, two digits a byte.
std::string HexEncode(ByteView bytes);
// Either case; an odd length or another character is kInvalidArgument.
Result<Bytes> HexDecode(std::string_view text);

// RFC 4648 section 4, with padding and without line breaks.
std::string Base64Encode(ByteView bytes);
// The same, appended to a secret, with no copy left elsewhere.
void Base64EncodeTo(const Secret& secret, Secret& out);
// Strict: the alphabet of section 4, right padding, no spaces, and no bits set
// that would be lost; anything else is kInvalidArgument.
Result<Bytes> Base64Decode(std::string_view text);
// The same straight into a secret.
Result<Secret> Base64DecodeSecret(std::string_view text);

// RFC 3986 percent-encoding of everything but A-Z a-z 0-9 - . _ ~ (upper-case
// digits), as SigV4 and form bodies want it. With `keep_slash`, '/' stays.
std::string PercentEncode(std::string_view text, bool keep_slash = false);

// The reverse. A "%" that two hex digits do not follow stands for itself; with
// `plus_is_space` (form bodies) "+" is a space.
std::string PercentDecode(std::string_view text, bool plus_is_space = false);

// Whether this is UTF-8 as RFC 3629 has it: no overlong forms, no surrogates.
bool IsUtf8(std::string_view text);

// A copy with ASCII capitals made small; other bytes stay.
std::string AsciiLower(std::string_view text);
// Without leading and trailing spaces, tabs, CR and LF. Borrows.
std::string_view Trim(std::string_view text);

}  // namespace openkeyring

#endif  // OPENKEYRING_BASE_ENCODING_H_
