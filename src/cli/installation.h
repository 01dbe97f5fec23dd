// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_INSTALLATION_H_
#define OPENKEYRING_CLI_INSTALLATION_H_

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/exit_code.h"
#include "cli/option_files.h"
#include "product/loaded_keyring.h"

namespace openkeyring {

enum class Product {
  kComponentKeyringKms,
  kComponentKeyringKmip,
  kKeyringAws,
  kAwsKeyManagement,
  kKmipKeyManagement,
};
constexpr Product kAllProducts[] = {
    Product::kComponentKeyringKms, Product::kComponentKeyringKmip,
    Product::kKeyringAws, Product::kAwsKeyManagement,
    Product::kKmipKeyManagement};

// "component_keyring_kms": the name of the library, without ".so".
const char* ProductName(Product product);
std::optional<Product> ProductNamed(std::string_view name);
// Whether it is configured by a file of its own, and not by server variables.
bool IsComponent(Product product);
bool IsForMariaDb(Product product);

// A database server that runs or could run here.
struct DatabaseServer {
  std::string program;  // "/usr/sbin/mysqld"; "" when none was found.
  int pid = 0;          // 0: it does not run.
  uid_t user = 0;       // Of a running one: who started it.
  bool is_mariadb = false;
  // Of a running one: where it works, "" when unknown; a server that is up, in
  // its data directory.
  std::string working_directory;
  // False when it may have options of option files that were not read.
  bool has_all_options = true;
  ServerVariables variables;
  std::string options_from;  // Where they were read, for people.

  // "/var/lib/mysql" unless the variables say otherwise; never empty.
  std::string DataDirectory() const;
};

// One product of one server: what a command works on.
struct Installation {
  Product product = Product::kComponentKeyringKms;
  DatabaseServer server;
  // Of the server; "" when unknown.
  std::string data_directory, plugin_directory;
  std::string config;  // --config, of a component; "": in plugin_directory.
  std::string path;    // --path; "": what is configured.
  bool is_configured = false;  // There is a configuration besides the path.
  // Called while keys are read, with how many of how many, or with hundredths
  // of a file; may be empty. What it borrows lives as long as the command.
  std::function<void(size_t done, size_t total)> progress = nullptr;

  ServerDirectories directories() const {
    return {plugin_directory, data_directory};
  }
};

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_INSTALLATION_H_
