// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_JSON_JSON_TEXT_H_
#define OPENKEYRING_JSON_JSON_TEXT_H_

#include <string>
#include <string_view>

#include "base/secret.h"

namespace openkeyring {

// What is said about a JSON text without parsing its values.

// "line 2, column 7": where a string stops being JSON.
std::string PlaceOfJsonError(std::string_view text);

// Whether it is one whole JSON object. Without a copy of any value.
bool IsJsonObject(std::string_view text);

// Makes every text in quotes one of x's, so that none that is secret reaches
// the JSON library. Lines, columns and what is not JSON in them stay.
void MaskJsonTexts(Secret& json);

}  // namespace openkeyring

#endif  // OPENKEYRING_JSON_JSON_TEXT_H_
