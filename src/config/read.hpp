// From the tree to Settings.
#pragma once

#include "freshet/config/settings.hpp"
#include "node.hpp"
#include "report.hpp"

namespace freshet::config {

/// Reads every setting that is there; what is wrong by itself goes to the report. Lists keep their indices: element i
/// of the settings is element i of the tree, also when something is wrong with it.
Settings read_settings(const Node& root, Report&);

/// What is wrong with settings that are each right by themselves: names that lead nowhere, addresses given twice,
/// routes that nothing reaches.
void check_settings(const Settings&, const Node& root, Report&);

/// The part of it that asks the machine: user, group and files with secrets.
void check_operation(const Settings&, const Node& root, Report&);

/// What is wrong with the access rules of one listener.
void check_access(const ListenerSettings&, const Node& listener, const std::string& key, Report&);

}  // namespace freshet::config
