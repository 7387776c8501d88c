#pragma once
#ifdef __cplusplus
extern "C" {
#endif
int needletail_json_version(void);
#ifdef __cplusplus
}
#endif
