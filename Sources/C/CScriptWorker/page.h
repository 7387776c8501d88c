#pragma once
#include "CScriptWorker.h"

#include <stdatomic.h>

struct needletail_worker_page {
    /* Written by the worker only. */
    _Atomic uint64_t current;
};
