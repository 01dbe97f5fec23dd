// SPDX-License-Identifier: MIT
#include "kmip/enums.h"

#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "kmip/tags.h"

namespace openkeyring {
namespace {

using NameOfValue = std::pair<uint32_t, std::string_view>;

constexpr NameOfValue kTags[] = {
#define OPENKEYRING_TAG(name, number) {number, #name},
#include "kmip/tags.inc"
#undef OPENKEYRING_TAG
};

constexpr NameOfValue kOperations[] = {
    {0x01, "Create"},         {0x03, "Register"},
    {0x08, "Locate"},         {0x0A, "Get"},
    {0x0B, "Get Attributes"}, {0x0C, "Get Attribute List"},
    {0x0D, "Add Attribute"},  {0x12, "Activate"},
    {0x13, "Revoke"},         {0x14, "Destroy"},
    {0x18, "Query"},          {0x1E, "Discover Versions"},
    {0x31, "Set Attribute"},
};

constexpr NameOfValue kStatuses[] = {
    {0, "Success"},
    {1, "Operation Failed"},
    {2, "Operation Pending"},
    {3, "Operation Undone"},
};

constexpr NameOfValue kReasons[] = {
    {0x01, "Item Not Found"},
    {0x02, "Response Too Large"},
    {0x03, "Authentication Not Successful"},
    {0x04, "Invalid Message"},
    {0x05, "Operation Not Supported"},
    {0x06, "Missing Data"},
    {0x07, "Invalid Field"},
    {0x08, "Feature Not Supported"},
    {0x09, "Operation Canceled By Requester"},
    {0x0A, "Cryptographic Failure"},
    {0x0B, "Illegal Operation"},
    {0x0C, "Permission Denied"},
    {0x0D, "Object Archived"},
    {0x0E, "Index Out Of Bounds"},
    {0x0F, "Application Namespace Not Supported"},
    {0x10, "Key Format Type Not Supported"},
    {0x11, "Key Compression Type Not Supported"},
    {0x13, "Key Value Not Present"},
    {0x14, "Attestation Required"},
    {0x15, "Attestation Failed"},
    {0x16, "Sensitive"},
    {0x17, "Not Extractable"},
    {0x18, "Object Already Exists"},
    {0x19, "Invalid Ticket"},
    {0x1A, "Usage Limit Exceeded"},
    {0x1F, "Unsupported Attribute"},
    {0x29, "Incompatible Cryptographic Usage Mask"},
    {0x2A, "Internal Server Error"},
    {0x35, "Non Unique Name Attribute"},
    {0x36, "Object Destroyed"},
    {0x37, "Object Not Found"},
    {0x39, "Not Authorised"},
    {0x3A, "Server Limit Exceeded"},
    {0x3F, "Unsupported Protocol Version"},
    {0x43, "Wrong Key Lifecycle State"},
    {0x100, "General Failure"},
};

constexpr NameOfValue kObjectTypes[] = {
    {1, "Certificate"}, {2, "Symmetric Key"}, {3, "Public Key"},
    {4, "Private Key"}, {5, "Split Key"},     {6, "Template"},
    {7, "Secret Data"}, {8, "Opaque Object"},
};

constexpr NameOfValue kStates[] = {
    {1, "Pre-Active"},  {2, "Active"},    {3, "Deactivated"},
    {4, "Compromised"}, {5, "Destroyed"}, {6, "Destroyed Compromised"},
};

std::string Hex(uint32_t number) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  do {
    text.insert(text.begin(), kDigits[number & 15]);
    number >>= 4;
  } while (number != 0);
  return "0x" + text;
}

std::string Lookup(std::span<const NameOfValue> names, uint32_t value) {
  for (const NameOfValue& name : names) {
    if (name.first == value) return std::string(name.second);
  }
  return Hex(value);
}

template <typename Enum>
uint32_t Number(Enum value) {
  return static_cast<uint32_t>(value);
}

}  // namespace

std::string KmipTagName(KmipTag tag) { return Lookup(kTags, Number(tag)); }

std::string KmipName(KmipOperation value) {
  return Lookup(kOperations, Number(value));
}
std::string KmipName(KmipResultStatus value) {
  return Lookup(kStatuses, Number(value));
}
std::string KmipName(KmipResultReason value) {
  return Lookup(kReasons, Number(value));
}
std::string KmipName(KmipObjectType value) {
  return Lookup(kObjectTypes, Number(value));
}
std::string KmipName(KmipState value) { return Lookup(kStates, Number(value)); }

}  // namespace openkeyring
