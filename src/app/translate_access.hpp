// Access rules from Settings: what proxy/ decides before a name is resolved, and what upstream/ decides about the address.
#pragma once

#include <vector>

#include "freshet/config/settings.hpp"
#include "freshet/net/address_policy.hpp"
#include "freshet/proxy/router.hpp"

namespace freshet {

/// Fills in `access`, and `address_partition` for a listener that has rules with destinations. REQUIRES: `partition` is set.
void add_access(const ListenerSettings&, ListenerRules&);
/// The rules with destinations, in the order of the bits that add_access() gives them.
std::vector<AddressRule> address_rules(const ListenerSettings&);
/// Listeners whose address partition is the same share what is known about it.
void share_address_classes(std::vector<ListenerRules>&);

}  // namespace freshet
