// SPDX-License-Identifier: MIT
#include "cli/installation.h"

namespace openkeyring {

const char* ProductName(Product product) {
  switch (product) {
    case Product::kComponentKeyringKms:
      return "component_keyring_kms";
    case Product::kComponentKeyringKmip:
      return "component_keyring_kmip";
    case Product::kKeyringAws:
      return "keyring_aws";
    case Product::kAwsKeyManagement:
      return "aws_key_management";
    case Product::kKmipKeyManagement:
      return "kmip_key_management";
  }
  return "";
}

std::optional<Product> ProductNamed(std::string_view name) {
  for (const Product product : kAllProducts) {
    if (name == ProductName(product)) return product;
  }
  return std::nullopt;
}

bool IsComponent(Product product) {
  return product == Product::kComponentKeyringKms ||
         product == Product::kComponentKeyringKmip;
}

bool IsForMariaDb(Product product) {
  return product == Product::kAwsKeyManagement ||
         product == Product::kKmipKeyManagement;
}

std::string DatabaseServer::DataDirectory() const {
  const auto found = variables.find("datadir");
  if (found == variables.end() || found->second.empty()) {
    return "/var/lib/mysql";
  }
  std::string directory = found->second;
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  return directory;
}

}  // namespace openkeyring
