// Reading a configuration file before there is a loop: JSON directly, TOML by way of a short-lived
// Python.
#pragma once

#include <string>

#include "src/base/result.h"
#include "src/master/interpreter.h"

namespace cppcorn::master {

constexpr size_t kConfigBytesMax = 1024 * 1024;  // of the file, and of what Python makes of it
constexpr int kConfigTimeoutMs = 20'000;         // for Python to start and read it

// The settings in the file as JSON text; `configured` is --python. The error is one line without
// the file's name.
Result<std::string> load_config_file(const std::string& path, const std::string& configured,
                                     const Surroundings& surroundings);

}  // namespace cppcorn::master
