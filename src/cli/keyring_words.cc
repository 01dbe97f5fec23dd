// SPDX-License-Identifier: MIT
// Which keyring a word of `migrate` means.
#include "cli/discovery.h"
#include "cli/keyring_store.h"
#include "cli/mysql_keyring_use.h"
#include "os/process.h"
#include "product/component_file.h"
#include "storage/mysql_files/component_file_format.h"
#include "storage/mysql_files/plugin_file_format.h"

namespace openkeyring {
namespace {

using Opened = tl::expected<std::unique_ptr<KeyringStore>, Failure>;

constexpr char kComponentFile[] = "component_keyring_file";
constexpr char kPluginFile[] = "keyring_file";

struct Word {
  std::string product;  // "": by the file.
  std::string file;     // "": found.
};

// A file's name may have a colon, a product's may not.
Word Split(const std::string& word) {
  const size_t colon = word.find(':');
  const std::string product = word.substr(0, colon);
  const bool is_product = ProductNamed(product) || product == kComponentFile ||
                          product == kPluginFile;
  if (!is_product) return {"", word};
  return {product, colon == word.npos ? "" : word.substr(colon + 1)};
}

// Which product's file it is; a configuration file by its name.
tl::expected<std::string, Failure> ProductOfFile(FileSystem& files,
                                                 const std::string& path) {
  const std::string name = BaseName(path);
  if (name.starts_with("component_keyring_") && name.ends_with(".cnf")) {
    return name.substr(0, name.size() - 4);
  }
  const Result<Bytes> start = files.ReadStart(path, 64);
  if (start && LooksLikePluginFile(*start)) return std::string(kPluginFile);
  if (!start) return FileFailed(start.error());
  return UsageFailure("what keyring " + path + " is cannot be told",
                      "write PRODUCT:" + path);
}

Opened OpenPlainFile(CommandContext& context, const std::string& path,
                     StoreRole role) {
  const Outcome unused = CheckComponentFileUnused(
      path, context.arguments.Text("--datadir"), context, PosixFileSystem());
  if (!unused) return tl::unexpected(unused.error());
  return MakeComponentFileStore(path, role);
}

Opened OpenComponentFile(CommandContext& context, const std::string& file,
                         StoreRole role) {
  if (file.empty()) {
    return UsageFailure(
        "component_keyring_file: which file?",
        "component_keyring_file:/path/to/component_keyring_file.cnf, or :"
        "/path/to/its/data/file");
  }
  if (!file.ends_with(".cnf")) return OpenPlainFile(context, file, role);
  // The server reads no other name, and another file may lie beside it.
  if (BaseName(file) != std::string(kComponentFile) + ".cnf") {
    return UsageFailure(
        file + " is not named as a component's configuration file is",
        "the server reads component_keyring_file.cnf");
  }
  const std::string data_directory = context.arguments.Text("--datadir");
  Result<JsonOptions> options =
      ReadComponentFile(PosixFileSystem(), context.out, kComponentFile,
                        {DirectoryName(file), data_directory}, {});
  if (!options) return Failed(options.error());
  std::string path = options->Text("path");
  options->Require("path");
  const bool read_only = options->Bool("read_only").value_or(false);
  Status status = options->Finish();
  if (!status.ok()) return Failed(status);
  if (read_only && role == StoreRole::kTarget) {
    return UsageFailure(file + " has read_only; nothing was changed",
                        "remove read_only from it");
  }
  if (data_directory.empty() && !path.starts_with('/')) {
    return UsageFailure("the path " + path +
                            " is relative to the server's data directory, "
                            "which is not known; nothing was changed",
                        "name it with --datadir");
  }
  if (!path.starts_with('/')) path = JoinPath(data_directory, path);
  return OpenPlainFile(context, path, role);
}

// As if the command line had said it.
Opened OpenOurs(CommandContext& context, const Word& word, StoreRole role) {
  Arguments arguments;
  for (const char* name : {"--datadir", "--plugin-dir", "--defaults-file"}) {
    if (context.arguments.Has(name)) {
      arguments.Add(name, context.arguments.Text(name));
    }
  }
  arguments.Add("--product", word.product);
  if (!word.file.empty()) {
    const bool is_component = IsComponent(*ProductNamed(word.product));
    arguments.Add(is_component ? "--config" : "--defaults-file", word.file);
  }
  CommandContext inner{arguments, context.out, context.interruption};
  const auto installation = FindInstallation(
      inner, PosixFileSystem(), SystemProcessRunner(), Needs::kConfiguration);
  if (!installation) return tl::unexpected(installation.error());
  if (role == StoreRole::kTarget) {
    const Outcome may = CheckNotReadOnly(*installation, context.out);
    if (!may) return tl::unexpected(may.error());
  }
  if (IsForMariaDb(installation->product)) {
    return OpenVersionsStore(context, *installation, role);
  }
  if (installation->product == Product::kComponentKeyringKmip) {
    const Outcome unused =
        CheckGroupUnused(*installation, context, PosixFileSystem());
    if (!unused) return tl::unexpected(unused.error());
  }
  return OpenKeyringStore(*installation, role, context.out);
}

}  // namespace

Opened OpenKeyringStore(CommandContext& context, const std::string& word,
                        StoreRole role) {
  Word parts = Split(word);
  if (parts.product.empty()) {
    const auto product = ProductOfFile(PosixFileSystem(), parts.file);
    if (!product) return tl::unexpected(product.error());
    parts.product = *product;
  }
  if (parts.product == kComponentFile) {
    return OpenComponentFile(context, parts.file, role);
  }
  if (parts.product == kPluginFile) {
    if (role == StoreRole::kTarget || parts.file.empty()) {
      return UsageFailure(
          "keys can be copied from a file of the plugin keyring_file, and not "
          "into one",
          "keyring_file:/path/to/its/data/file");
    }
    const Outcome unused =
        CheckPluginFileUnused(parts.file, context.arguments.Text("--datadir"),
                              context, PosixFileSystem());
    if (!unused) return tl::unexpected(unused.error());
    return MakePluginFileStore(parts.file);
  }
  if (!ProductNamed(parts.product)) {
    return UsageFailure(
        parts.product + " is not a product that this tool knows",
        "keyringctl migrate --help lists them");
  }
  return OpenOurs(context, parts, role);
}

}  // namespace openkeyring
