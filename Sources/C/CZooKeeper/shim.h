#pragma once
// The multi-threaded client's half of the header.
#define THREADED
#include <zookeeper/zookeeper.h>

// The library's lists are variables that are not const; they are never changed.
static inline const struct ACL_vector *czookeeper_open_acl(void) { return &ZOO_OPEN_ACL_UNSAFE; }
static inline const struct ACL_vector *czookeeper_creator_acl(void) { return &ZOO_CREATOR_ALL_ACL; }
