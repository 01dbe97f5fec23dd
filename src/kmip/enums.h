// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_ENUMS_H_
#define OPENKEYRING_KMIP_ENUMS_H_

#include <cstdint>
#include <string>

namespace openkeyring {

// Enumerations of KMIP 2.1 section 11 (1.4: section 9.1.3.2), those values that
// we send or act upon. A server may send others: they are kept as numbers.

enum class KmipOperation : uint32_t {
  kCreate = 0x01,
  kRegister = 0x03,
  kLocate = 0x08,
  kGet = 0x0A,
  kGetAttributes = 0x0B,
  kGetAttributeList = 0x0C,
  kAddAttribute = 0x0D,
  kActivate = 0x12,
  kRevoke = 0x13,
  kDestroy = 0x14,
  kQuery = 0x18,
  kDiscoverVersions = 0x1E,
  kSetAttribute = 0x31,  // Since 2.0.
};

enum class KmipResultStatus : uint32_t {
  kSuccess = 0,
  kOperationFailed = 1,
  kOperationPending = 2,
  kOperationUndone = 3,
};

enum class KmipResultReason : uint32_t {
  kItemNotFound = 0x01,
  kResponseTooLarge = 0x02,
  kAuthenticationNotSuccessful = 0x03,
  kInvalidMessage = 0x04,
  kOperationNotSupported = 0x05,
  kMissingData = 0x06,
  kInvalidField = 0x07,
  kFeatureNotSupported = 0x08,
  kOperationCanceledByRequester = 0x09,
  kCryptographicFailure = 0x0A,
  kIllegalOperation = 0x0B,
  kPermissionDenied = 0x0C,
  kObjectArchived = 0x0D,
  kIndexOutOfBounds = 0x0E,
  kApplicationNamespaceNotSupported = 0x0F,
  kKeyFormatTypeNotSupported = 0x10,
  kKeyCompressionTypeNotSupported = 0x11,
  kKeyValueNotPresent = 0x13,
  kAttestationRequired = 0x14,
  kAttestationFailed = 0x15,
  kSensitive = 0x16,
  kNotExtractable = 0x17,
  kObjectAlreadyExists = 0x18,
  // Since 2.0.
  kInvalidTicket = 0x19,
  kUsageLimitExceeded = 0x1A,
  kUnsupportedAttribute = 0x1F,
  kIncompatibleUsageMask = 0x29,
  kInternalServerError = 0x2A,
  kNonUniqueNameAttribute = 0x35,
  kObjectDestroyed = 0x36,
  kObjectNotFound = 0x37,
  kNotAuthorised = 0x39,
  kServerLimitExceeded = 0x3A,
  kUnsupportedProtocolVersion = 0x3F,
  kWrongKeyLifecycleState = 0x43,
  kGeneralFailure = 0x100,
};

enum class KmipObjectType : uint32_t {
  kCertificate = 1,
  kSymmetricKey = 2,
  kPublicKey = 3,
  kPrivateKey = 4,
  kSplitKey = 5,
  kTemplate = 6,
  kSecretData = 7,
  kOpaqueObject = 8,
};

enum class KmipState : uint32_t {
  kPreActive = 1,
  kActive = 2,
  kDeactivated = 3,
  kCompromised = 4,
  kDestroyed = 5,
  kDestroyedCompromised = 6,
};

enum class KmipAlgorithm : uint32_t {
  kTripleDes = 2,
  kAes = 3,
  kRsa = 4,
  kDsa = 5,
};

enum class KmipKeyFormat : uint32_t {
  kRaw = 1,
  kOpaque = 2,
  kTransparentSymmetricKey = 7,
};

enum class KmipSecretDataType : uint32_t { kPassword = 1, kSeed = 2 };

enum class KmipRevocationReason : uint32_t {
  kUnspecified = 1,
  kKeyCompromise = 2,
  kSuperseded = 5,
  kCessationOfOperation = 6,
};

enum class KmipQueryFunction : uint32_t {
  kOperations = 1,
  kObjects = 2,
  kServerInformation = 3,
};

enum class KmipNameType : uint32_t { kText = 1, kUri = 2 };

enum class KmipBatchError : uint32_t { kContinue = 1, kStop = 2, kUndo = 3 };

// Bits of Cryptographic Usage Mask.
enum KmipUsage : int32_t {
  kUsageEncrypt = 0x04,
  kUsageDecrypt = 0x08,
  kUsageExport = 0x40,
  kUsageDeriveKey = 0x200,
};

// The specification's names, "Get Attributes"; the number in hex of a value
// that we do not know.
std::string KmipName(KmipOperation value);
std::string KmipName(KmipResultStatus value);
std::string KmipName(KmipResultReason value);
std::string KmipName(KmipObjectType value);
std::string KmipName(KmipState value);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_ENUMS_H_
