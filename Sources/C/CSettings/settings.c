#include "CSettings.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

const unsigned char needletail_settings_text[] = {
#embed "../../../config/needletail.yml"
};
const size_t needletail_settings_length = sizeof needletail_settings_text;
