#pragma once
#include <JavaScriptCore/JavaScript.h>
#include <stdbool.h>

/* Exported by the library and declared in a header that Debian's package does not contain. */
typedef bool (*JSShouldTerminateCallback)(JSContextRef context, void *info);
/* Limits the processor time of every entry into a context of the group: after `limit` seconds the callback is asked
 * whether to end what runs. */
void JSContextGroupSetExecutionTimeLimit(
    JSContextGroupRef group, double limit, JSShouldTerminateCallback callback, void *info);
/* Collects garbage before it returns; JSGarbageCollect only asks for it. */
void JSSynchronousGarbageCollectForDebugging(JSContextRef context);
