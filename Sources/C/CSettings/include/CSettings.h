#pragma once
#include <stddef.h>

// config/needletail.yml as it was when this was compiled: the key path and the variable of every setting.
extern const unsigned char needletail_settings_text[];
extern const size_t needletail_settings_length;

static inline const unsigned char *needletail_settings_text_pointer(void) { return needletail_settings_text; }
