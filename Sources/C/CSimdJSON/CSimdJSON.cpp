#include "CSimdJSON.h"
#include <simdjson.h>
extern "C" int needletail_json_version(void) { return simdjson::SIMDJSON_VERSION_MAJOR; }
