/*-------------------------------------------------------------------------
 *
 * settings.h
 *	  The settings: names, defaults, ranges.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_SETTING_DEFINITIONS_H
#define JA_SETTING_DEFINITIONS_H

extern void ja_settings_define(void);
extern void ja_shared_settings_define(void);
extern void ja_settings_end_definitions(void);

#endif							/* JA_SETTING_DEFINITIONS_H */
