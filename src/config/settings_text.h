// The table as text for people: --help, --print-config, docs/settings.md.
#pragma once

#include <string>

#include "src/config/resolve.h"

namespace cppcorn::config {

std::string help_text();
// "name = value" with where it comes from, a line each, in the table's order.
std::string print_config_text(const ParseOutcome& outcome);
// One line of the settings that are not as by default, with where they come from; empty when all
// are.
std::string changed_settings_text(const ParseOutcome& outcome);
// docs/settings.md, which a test compares with the committed file.
std::string settings_document();

}  // namespace cppcorn::config
